package connector_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestNormaliseIndicator(t *testing.T) {
	for text, want := range map[string][2]string{
		"example.com":                                {"example.com", "domain"},
		" \"WWW.Example.COM.\" ":                     {"www.example.com", "domain"},
		"example[.]com":                              {"example.com", "domain"},
		"a(.)b{.}example[dot]com":                    {"a.b.example.com", "domain"},
		`example\.com`:                               {"example.com", "domain"},
		"_dmarc.example.com":                         {"_dmarc.example.com", "domain"},
		"bücher.example":                             {"xn--bcher-kva.example", "domain"},
		"straße.example":                             {"xn--strae-oqa.example", "domain"},
		"xn--bcher-kva.example":                      {"xn--bcher-kva.example", "domain"},
		"deadbeef.example.com":                       {"deadbeef.example.com", "domain"},
		"192.0.2.7":                                  {"192.0.2.7", "ip"},
		"192[.]0[.]2[.]7":                            {"192.0.2.7", "ip"},
		"::ffff:192.0.2.7":                           {"192.0.2.7", "ip"},
		"2001:DB8:0:0:0:0:0:7":                       {"2001:db8::7", "ipv6"},
		"[2001:db8::7]":                              {"2001:db8::7", "ipv6"},
		"2001[:]db8[:][:]7":                          {"2001:db8::7", "ipv6"},
		"hxxps://Example[.]com/A.b":                  {"https://example.com/A.b", "url"},
		"hXXp[:]//example.com/index[.]php":           {"http://example.com/index.php", "url"},
		"hxxp[://]example.com":                       {"http://example.com", "url"},
		"fxp://example.com/x":                        {"ftp://example.com/x", "url"},
		"http://example.com":                         {"http://example.com", "url"},
		"http://example.com/":                        {"http://example.com/", "url"},
		"https://example.com/a[.]b?c=[.]":            {"https://example.com/a[.]b?c=[.]", "url"},
		"HTTP://User:Pw@Example.com:8080/A#B":        {"http://User:Pw@example.com:8080/A#B", "url"},
		"https://www.example.com/a b?c=d&e=%20f+g#h": {"https://www.example.com/a b?c=d&e=%20f+g#h", "url"},
		"http://example.com?x=http://10.0.0.1/":      {"http://example.com?x=http://10.0.0.1/", "url"},
		"http://[2001:DB8::7]:80/":                   {"http://[2001:db8::7]:80/", "url"},
		"<http://192.0.2.7:8080/bin>":                {"http://192.0.2.7:8080/bin", "url"},
	} {
		value, kind, err := connector.NormaliseIndicator(text)
		if err != nil || value != want[0] || kind != want[1] {
			t.Errorf("%s is %q, %q, %v", text, value, kind, err)
		}
		if again, _, err := connector.NormaliseIndicator(value); again != value || err != nil {
			t.Errorf("%s, once more, is %q, %v", value, again, err)
		}
	}
}

func TestNormaliseIndicatorRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"": "empty", " <> ": "empty", strings.Repeat("a.", 5000): "longer than", "a\x00.example.com": "one line", "a.example.com\nb": "one line",
		"d41d8cd98f00b204e9800998ecf8427e": "a hash", strings.Repeat("A0", 32): "a hash",
		"10.0.0.1": "private", "172.16[.]9.9": "private", "fd00::1": "private", "127.0.0.1": "the machine itself", "::1": "the machine itself",
		"169.254.169.254": "one link", "fe80::1%eth0": "one link", "224.0.0.1": "a group", "0.0.0.0": "no host", "255.255.255.255": "reserved",
		"100.64.0.1": "shared", "::ffff:10.0.0.1": "private", "http://10.0.0.1/x": "private", "http://[::1]:80/": "the machine itself",
		"192.0.2.0/24": "a network", "192.0.2.7:443": "has a port", "example.com:80": "has a port", "a@example.com": "e-mail",
		"example.com/path": "has a path", "localhost": "private network", "http://printer.local/": "private network",
		"example": "no domain", "256.1.1.1": "no domain", "1.2.3": "no domain", "a..example.com": "no domain", "a b.example.com": "no domain",
		"http://": "no domain", "https:///x": "no domain", "http://[192.0.2.7]/": "a host that is none", "http://[2001:db8::7/": "a host that is none",
		"http://2001:db8::7/": "a host that is none", "\u0300.example.com": "no name", strings.Repeat("a", 64) + ".example": "no domain",
	} {
		value, kind, err := connector.NormaliseIndicator(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %q, %q, %v; want %s", text, value, kind, err, want)
		}
	}
}

func FuzzNormaliseIndicator(f *testing.F) {
	for _, text := range []string{"hxxp://a[.]example/[.]", "2001:db8::1", "a.example", "[.]", "http://[", "h**p://ä.example"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, kind, err := connector.NormaliseIndicator(text)
		if err != nil {
			return
		}
		if again, same, err := connector.NormaliseIndicator(value); err != nil || again != value || same != kind {
			t.Errorf("%q is %q (%s), and that is %q (%s), %v", text, value, kind, again, same, err)
		}
	})
}
