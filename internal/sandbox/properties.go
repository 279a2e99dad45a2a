package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const contentType = "text/html; charset=UTF-8"

// property is one value that a scan found.
type property struct {
	group, name, value string
	old                bool // replaced by a later value
}

// properties returns what scans found, groups and names together.
func (i indicator) properties() []property {
	var all []property
	switch i.kind() {
	case kindDomain:
		all = append(append(i.bannerProperties(), i.cookieProperties()...), i.dnsProperties()...)
		all = append(append(append(all, i.geoProperties()...), i.httpProperties()...), i.metaProperties()...)
		return append(append(all, i.sslProperties()...), i.whoisProperties()...)
	case kindURL:
		return append(append(i.cookieProperties(), i.httpProperties()...), i.metaProperties()...)
	case kindIP:
		all = append(append(i.bannerProperties(), property{group: "dns", name: "PTR", value: "host-" + strconv.Itoa(i.n) + ".example.net"}),
			i.geoProperties()...)
		return append(all, i.networkProperties()...)
	default:
		return i.geoProperties()
	}
}

func (i indicator) bannerProperties() []property {
	p := i.profile()
	if p.banner == "" {
		return nil
	}
	return []property{
		{group: "banners", name: p.bannerPort, value: p.banner},
		{group: "banners", name: p.bannerPort, value: "421 Too many connections\n", old: true},
	}
}

func (i indicator) cookieProperties() []property {
	if i.profile().server == "" || i.pick(slotHistory, 3) != 0 {
		return nil
	}
	session := strconv.FormatUint(i.draw, 16)
	return []property{
		{group: "cookies", name: "PHPSESSID", value: session},
		{group: "cookies", name: "PHPSESSID", value: session[1:], old: true},
		{group: "cookies", name: "_ga", value: "GA1.2." + session + "; <img src=x onerror=alert(1)>"},
	}
}

func (i indicator) dnsProperties() []property {
	var all []property
	for _, address := range i.addresses() {
		name := "A"
		if address.kind() == kindIPv6 {
			name = "AAAA"
		}
		all = append(all, property{group: "dns", name: name, value: address.value()})
	}
	all = append(all, property{group: "dns", name: "MX", value: "mx1.example.net"})
	if i.pick(slotHistory, 2) == 0 {
		all = append(all, property{group: "dns", name: "MX", value: "MX2.EXAMPLE.NET"})
	}
	return append(all,
		property{group: "dns", name: "NS", value: "ns1.example.net"},
		property{group: "dns", name: "NS", value: "ns2.example.net"},
		property{group: "dns", name: "NS", value: "ns.old.example.net", old: true},
		property{group: "dns", name: "SOA", value: "ns1.example.net. hostmaster.example.net. 2024010100 3600 1800 1209600 86400"},
		property{group: "dns", name: "TXT", value: "v=spf1 ip4:192.0.2.0/24 -all"},
	)
}

func (i indicator) geoProperties() []property {
	where := i.place()
	var all []property
	for _, f := range [...]struct{ name, value string }{
		{"address", where.address}, {"city", where.city}, {"country", where.country}, {"countrycode", where.code},
		{"org", where.org}, {"region", where.region}, {"zip", where.zip},
	} {
		if f.value != "" {
			all = append(all, property{group: "geo", name: f.name, value: f.value})
		}
	}
	return all
}

func (i indicator) httpProperties() []property {
	server := i.profile().server
	if server == "" {
		return nil
	}
	return []property{
		{group: "http", name: "++code", value: "200"},
		{group: "http", name: "++code", value: "503", old: true},
		{group: "http", name: "++status", value: "OK"},
		{group: "http", name: "Content-Type", value: contentType},
		{group: "http", name: "date", value: time.Unix(i.seen(), 0).UTC().Format(http.TimeFormat)},
		{group: "http", name: "Server", value: server},
		{group: "http", name: "set-cookie", value: "id=1; path=/\r\nX-Injected: yes"},
		{group: "http", name: "set-cookie", value: "lang=de; path=/"},
	}
}

func (i indicator) metaProperties() []property {
	if i.profile().server == "" {
		return nil
	}
	return []property{
		{group: "meta", name: "++title", value: titles[i.pick(slotTitle, len(titles))]},
		{group: "meta", name: "charset", value: "UTF-8"},
		{group: "meta", name: "og:url", value: "https://example.com/?a=1&b=2"},
	}
}

func (i indicator) sslProperties() []property {
	if i.pick(slotHistory, 4) == 0 {
		return nil
	}
	return []property{
		{group: "ssl", name: "domain", value: i.value()},
		{group: "ssl", name: "expires", value: dateTime(i.seen() + 90*day)},
		{group: "ssl", name: "issuer", value: "/C=US/O=Example Trust/CN=Example Trust R3"},
		{group: "ssl", name: "org", value: "Example Trust"},
		{group: "ssl", name: "subject", value: "/CN=" + i.value()},
		{group: "ssl", name: "valid", value: dateTime(i.seen())},
		{group: "ssl", name: "version", value: "v3"},
	}
}

// whoisProperties has names that differ only in case, dates in a form of their own and values split at every colon, as registries do.
func (i indicator) whoisProperties() []property {
	registered := i.added() - 1000*day
	all := []property{
		{group: "whois", name: "++abuse", value: "abuse@example.net"},
		{group: "whois", name: "++email", value: "redacted@example.net"},
		{group: "whois", name: "++expires", value: dateTime(registered + 3650*day)},
		{group: "whois", name: "++phone", value: "+1.5555550100"},
		{group: "whois", name: "++registered", value: dateTime(registered)},
		{group: "whois", name: "++registrant", value: "Example Registrant"},
		{group: "whois", name: "++registrar", value: "Example Registrar LLC"},
		{group: "whois", name: "++updated", value: dateTime(registered + 365*day)},
		{group: "whois", name: "address", value: "1 Example Street"},
		{group: "whois", name: "Address", value: "Beispielstraße 1"},
		{group: "whois", name: "Admin State/Province", value: "ON"},
		{group: "whois", name: "Creation Date", value: time.Unix(registered, 0).UTC().Format(time.RFC3339)},
		{group: "whois", name: "https", value: "//www.example.org/epp#ok"},
		{group: "whois", name: "Name Server", value: "ns1.example.net"},
		{group: "whois", name: "Name Server", value: "NS2.EXAMPLE.NET"},
		{group: "whois", name: "Registrar", value: "Example Registrar LLC", old: true},
	}
	if i.private() {
		all = append(all, property{group: "whois", name: "++privacy", value: "1"})
	}
	return all
}

func (i indicator) networkProperties() []property {
	return []property{
		{group: "whois", name: "netname", value: "TEST-NET"},
		{group: "whois", name: "person", value: "Jane Example"},
		{group: "whois", name: "person", value: "Jörg Beispiel"},
		{group: "whois", name: "remarks", value: fmt.Sprintf("block %d\nreserved for documentation", i.n/kindPeriod)},
	}
}

func dateTime(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateTime) }

// propertyMap writes the current properties: group, name, then a string or, for several values, a list.
func (e *encoder) propertyMap(all []property) {
	var current []property
	for _, p := range all {
		if !p.old {
			current = append(current, p)
		}
	}
	e.groups(current, '{', func(group []property) {
		all := group
		for len(group) > 0 {
			same := runLength(group, func(p property) string { return e.propertyName(p.name) })
			name := e.propertyName(group[0].name)
			e.anyKey(name)
			e.values(group[:same])
			if lower := strings.ToLower(name); e.odd.has(caseVariants) && !slices.ContainsFunc(all, named(lower)) {
				e.anyKey(lower)
				e.values(group[:same])
			}
			group = group[same:]
		}
	})
}

func named(name string) func(property) bool { return func(p property) bool { return p.name == name } }

// propertyName is what a property is called: as it was found or, later, in lower case.
func (e *encoder) propertyName(name string) string {
	if e.odd.has(shapes2025) {
		return strings.ToLower(name)
	}
	return name
}

func (e *encoder) values(same []property) {
	if len(same) == 1 {
		e.string(same[0].value)
		return
	}
	shuffle(e, same)
	if e.odd.has(lostValues) {
		lost := rand.IntN(len(same))
		same = slices.Delete(slices.Clone(same), lost, lost+1)
	}
	e.begin('[')
	for _, p := range same {
		e.string(p.value)
	}
	e.end(']')
}

// propertyRows writes all properties, the old ones too: group, then a list of rows.
func (e *encoder) propertyRows(i indicator, f detailForm) {
	pid := i.iid() * 100
	e.groups(i.properties(), '[', func(group []property) {
		first := pid
		pid += len(group)
		for k, turn := 0, e.turn(len(group)); k < len(group); k++ {
			at := (turn + k) % len(group)
			e.propertyRow(i, group[at], first+at+1, f)
		}
	})
}

// propertyRow writes a property. In a scan of 2019 those that were just found have no number yet, and an hour of one digit.
func (e *encoder) propertyRow(i indicator, p property, pid int, f detailForm) {
	seen, latest := max(i.seen(), f.scanned), 1
	if p.old {
		seen, latest = i.added(), 0
	}
	justFound := f.scan != nil && e.odd.has(shapes2019) && !p.old
	e.begin('{')
	if !justFound || pid%4 != 0 {
		e.intField("pid", pid)
	}
	e.key("stamp_seen")
	e.stamp(seen, justFound || e.odd.has(unpaddedHours))
	e.stringField("name", e.propertyName(p.name))
	e.stringField("value", p.value)
	e.intField("latest", latest)
	e.end('}')
}

// groups writes an object with a field for each group, in the given kind of bracket; without any group it is PHP's empty array.
func (e *encoder) groups(all []property, bracket byte, write func(group []property)) {
	if len(all) == 0 {
		e.none()
		return
	}
	e.begin('{')
	for len(all) > 0 {
		same := runLength(all, func(p property) string { return p.group })
		e.key(all[0].group)
		e.begin(bracket)
		write(all[:same])
		e.end(bracket + 2) // in ASCII, brackets close two after they open
		all = all[same:]
	}
	e.end('}')
}

// runLength counts the properties at the beginning that have the same key.
func runLength(all []property, key func(property) string) int {
	n := 1
	for n < len(all) && key(all[n]) == key(all[0]) {
		n++
	}
	return n
}
