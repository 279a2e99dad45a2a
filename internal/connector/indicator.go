package connector

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/sallyport-io/sallyport"
)

// The kinds of indicators.
const (
	KindDomain = "domain"
	KindIP     = "ip" // of IPv4
	KindIPv6   = "ipv6"
	KindURL    = "url"
)

// defanged are the ways in which people make an indicator harmless to click.
var (
	defangedDot    = regexp.MustCompile(`(?i)[\[({]\.[\])}]|[\[({]dot[\])}]|\\\.`)
	defangedColon  = regexp.MustCompile(`\[:\]`)
	defangedScheme = regexp.MustCompile(`(?i)^(h(?:xx|\*\*|tt)ps?|fxp|ftp)(?:\[:\]//|:\[//\]|\[://\]|://|:\\\\)`)
	schemeForm     = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)
	hashForm       = regexp.MustCompile(`^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})$`)
	labelForm      = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)
	topForm        = regexp.MustCompile(`^(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$`)
	portForm       = regexp.MustCompile(`:[0-9]{0,5}$`)
)

// unroutable are the networks that are the same for nobody else: an address in them says nothing to another system.
var unroutable = []struct {
	network netip.Prefix
	reason  string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "of no host"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared within a provider's network"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks of networks"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("fec0::/10"), "private"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "private"},
	{netip.MustParsePrefix("100::/64"), "for what is thrown away"},
}

// localNames end the names that are known within one network only.
var localNames = []string{".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp", ".localdomain"}

// NormaliseIndicator brings a domain, an IP address or a URL, however people write it, into the one form that is asked for, and says of
// which kind it is. Defanged ones become what they were, host names lower-case ASCII without the last dot, addresses of IPv6 their
// shortest form; what follows the host of a URL stays as it is. Hashes, private and reserved addresses and names, and what is no
// indicator are errors that say so without repeating the text. The addresses that are reserved for documentation are taken.
func NormaliseIndicator(text string) (value, kind string, err error) {
	text = strings.Trim(text, " \t\r\n\"'<>`")
	switch {
	case text == "":
		return "", "", sallyport.Errorf(sallyport.Invalid, "is empty")
	case len(text) > maxText:
		return "", "", sallyport.Errorf(sallyport.Invalid, "is longer than %d bytes", maxText)
	case !utf8.ValidString(text) || control.MatchString(text):
		return "", "", sallyport.Errorf(sallyport.Invalid, "must be one line of readable text")
	case hashForm.MatchString(text):
		return "", "", sallyport.Errorf(sallyport.Invalid, "is a hash; only domains, IP addresses and URLs are known")
	}
	text = refang(text)
	if scheme := schemeForm.FindString(text); scheme != "" {
		value, err = normalURL(strings.ToLower(scheme), text[len(scheme):])
		return value, KindURL, err
	}
	return normalHost(text)
}

// refang undoes what made an indicator harmless. The part of a URL that follows the host is changed only if something before it was: many
// tools defang every dot, but a URL may hold [.] of its own.
func refang(text string) string {
	rest := text
	if m := defangedScheme.FindStringSubmatch(text); m != nil {
		scheme := strings.NewReplacer("hxxp", "http", "h**p", "http", "fxp", "ftp").Replace(strings.ToLower(m[1]))
		rest = text[len(m[0]):]
		text = scheme + "://" + rest
		if m[0] == scheme+"://" && !defangedDot.MatchString(authority(rest)) && !defangedColon.MatchString(authority(rest)) {
			return text
		}
	}
	return defangedColon.ReplaceAllString(defangedDot.ReplaceAllString(text, "."), ":")
}

// authority is the beginning of a URL behind its scheme, up to its path.
func authority(rest string) string {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[:i]
	}
	return rest
}

func normalURL(scheme, rest string) (string, error) {
	place := authority(rest)
	user, host := "", place
	if i := strings.LastIndexByte(place, '@'); i >= 0 {
		user, host = place[:i+1], place[i+1:]
	}
	port := ""
	if at := portForm.FindStringIndex(host); at != nil && (!strings.Contains(host[:at[0]], ":") || strings.HasSuffix(host[:at[0]], "]")) {
		host, port = host[:at[0]], host[at[0]:]
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	value, kind, err := normalHost(strings.TrimSuffix(inner, "]"))
	switch {
	case err != nil:
		return "", err
	case bracketed != strings.HasSuffix(host, "]") || bracketed != (kind == KindIPv6):
		return "", sallyport.Errorf(sallyport.Invalid, "is a URL with a host that is none")
	case bracketed:
		value = "[" + value + "]"
	}
	return scheme + user + value + port + rest[len(place):], nil
}

// normalHost takes an IP address or the name of a domain.
func normalHost(text string) (value, kind string, err error) {
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return normalAddress(address)
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return "", "", sallyport.Errorf(sallyport.Invalid, "is a network; give one address of it")
	}
	if portForm.MatchString(text) {
		return "", "", sallyport.Errorf(sallyport.Invalid, "has a port; leave it away, or give the whole URL with its http://")
	}
	switch {
	case strings.Contains(text, "@"):
		return "", "", sallyport.Errorf(sallyport.Invalid, "is an e-mail address; only domains, IP addresses and URLs are known")
	case strings.ContainsAny(text, "/?#"):
		return "", "", sallyport.Errorf(sallyport.Invalid, "has a path; give the whole URL with its http://, or the domain alone")
	}
	value, err = normalName(text)
	return value, KindDomain, err
}

func normalAddress(address netip.Addr) (value, kind string, err error) {
	address = address.Unmap()
	if reason := unroutableReason(address); reason != "" {
		return "", "", sallyport.Errorf(sallyport.Invalid, "is an address that is %s; nobody else knows which host it is", reason)
	}
	if address.Is4() {
		return address.String(), KindIP, nil
	}
	return address.String(), KindIPv6, nil
}

func unroutableReason(address netip.Addr) string {
	switch {
	case address.IsUnspecified():
		return "of no host"
	case address.IsLoopback():
		return "of the machine itself"
	case address.IsPrivate():
		return "private"
	case address.IsLinkLocalUnicast(), address.Zone() != "":
		return "of one link only"
	case address.IsMulticast():
		return "of a group (multicast)"
	}
	for _, u := range unroutable {
		if u.network.Contains(address) {
			return u.reason
		}
	}
	return ""
}

func normalName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		var err error
		if name, err = idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(name); err != nil {
			return "", sallyport.Errorf(sallyport.Invalid, "is no name that a domain can have")
		}
	}
	labels := strings.Split(name, ".")
	top := labels[len(labels)-1]
	malformed := slices.ContainsFunc(labels, func(label string) bool { return !labelForm.MatchString(label) })
	local := slices.ContainsFunc(localNames, func(end string) bool { return strings.HasSuffix("."+name, end) })
	switch {
	case local:
		return "", sallyport.Errorf(sallyport.Invalid, "is a name that is known within a private network only")
	case malformed || len(labels) < 2 || len(name) > 253 || !topForm.MatchString(top):
		return "", sallyport.Errorf(sallyport.Invalid, "is no domain, IP address or URL")
	}
	return name, nil
}
