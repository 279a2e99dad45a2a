package secret

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// distinctiveLength is the length from which a secret may be distinctive.
const distinctiveLength = 16

var (
	word    = regexp.MustCompile(`^[\pL\pM]+(?:[-_ .'][\pL\pM]+)*$`)
	host    = regexp.MustCompile(`^(?i)(?:\*\.)?(?:[\pL\pN_](?:[\pL\pN_-]*[\pL\pN_])?\.)+\pL{2,}\.?(?::\d+)?$`)
	mail    = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+$`)
	network = regexp.MustCompile(`^[0-9a-fA-F.:]+(?:/\d{1,3})?$`)
)

// Distinctive tells whether a secret has at least 16 characters and is neither words nor an address (URL, host, e-mail, IP) nor a path. Only
// such a secret is looked for in what does not belong to its credential: else anyone who may store a credential could have other people's
// data rewritten.
func (t Text) Distinctive() bool {
	s := strings.TrimSpace(t.plain())
	return len([]rune(s)) >= distinctiveLength && !word.MatchString(s) && !isAddress(s) && !isPath(s)
}

func isAddress(s string) bool {
	if host.MatchString(s) || mail.MatchString(s) || strings.Contains(s, "://") {
		return true
	}
	if u, err := url.Parse(s); err == nil && u.Scheme == "mailto" {
		return true
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return true
	}
	if !network.MatchString(s) {
		return false
	}
	_, prefix := netip.ParsePrefix(s)
	_, address := netip.ParseAddr(s)
	return prefix == nil || address == nil
}

// isPath tells whether a text is a path of a file or a URL: it begins like one, or its parts are all like words.
func isPath(s string) bool {
	return strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "~/") || strings.HasPrefix(s, `\\`) || len(s) > 2 && s[1:3] == `:\` ||
		strings.HasPrefix(s, "/")
}
