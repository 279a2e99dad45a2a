package secret

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// distinctiveLength is the length from which a secret may be distinctive.
const distinctiveLength = 16

var (
	ordinary = regexp.MustCompile(`^(?:[\pL\pM]+(?:[-_ .'][\pL\pM]+)*[-_ .']?\d{0,4}|[\d-.: ]+)$`)
	word     = regexp.MustCompile(`^[\pL\pM]+(?:[-_ .'][\pL\pM]+)*$`)
	host     = regexp.MustCompile(`^(?i)(?:\*\.)?(?:[\pL\pN_](?:[\pL\pN_-]*[\pL\pN_])?\.)+\pL{2,}\.?(?::\d+)?$`)
	mail     = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+$`)
	network  = regexp.MustCompile(`^[0-9a-fA-F.:]+(?:/\d{1,3})?$`)
	ownID    = regexp.MustCompile(`\b(?:bat|crd|drf|dst|epo|flw|set|src|tok|usr)_[a-z2-7]{26}\b`)
)

// Distinctive tells whether a secret has at least 16 characters and is neither words, nor an address (URL, host, e-mail, IP), nor a path, nor
// a time or an id as Sallyport itself writes them. Only such a secret is searched for in what does not belong to its credential. Otherwise
// anyone who may store a credential could have other people's data rewritten.
func (t Text) Distinctive() bool {
	s := strings.TrimSpace(t.plain())
	return len([]rune(s)) >= distinctiveLength && !word.MatchString(s) && !isAddress(s) && !isPath(s) && !isOwn(s)
}

// isOwn tells whether a text is nothing but a time or an id of Sallyport's own. Redaction of documents and pages of our own leaves such a value
// alone, whatever part of it someone stored as a key.
func isOwn(s string) bool {
	if id := ownID.FindStringIndex(s); id != nil {
		return id[0] == 0 && id[1] == len(s)
	}
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
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
