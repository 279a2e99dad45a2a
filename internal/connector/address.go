package connector

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/egress"
)

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$`)

// checkAddress checks where a system is, and writes it plainly: scheme and host in lower case, no slash at the end.
// Its errors do not repeat the address, which may hold a password.
func checkAddress(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || !isHost(strings.ToLower(u.Hostname())) || !isPort(u) {
		return "", sallyport.FieldErrorf(AddressField, "must be an address such as https://api.example.com")
	}
	base := strings.TrimRight(u.EscapedPath(), "/")
	switch {
	case u.User != nil:
		return "", sallyport.FieldErrorf(AddressField, "must not hold a user name or password; these belong into the other fields")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(address, "#"):
		return "", sallyport.FieldErrorf(AddressField, "must end before the ? or #: it says only where the system is")
	case u.Scheme != "https" && (u.Scheme != "http" || !egress.IsLoopback(u.Hostname())):
		return "", sallyport.FieldErrorf(AddressField, "must begin with https://; only an address of this machine itself may begin with http://")
	case base != "" && path.Clean(base) != base || !Within("", base):
		return "", sallyport.FieldErrorf(AddressField, "must have a plain path, without empty parts or dots")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + base, nil
}

func isHost(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil || len(name) <= 253 && hostName.MatchString(name)
}

func isPort(u *url.URL) bool {
	_, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}
