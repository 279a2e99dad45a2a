package sandbox

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The types of indicators.
const (
	kindDomain = "domain"
	kindURL    = "url"
	kindIP     = "ip"
	kindIPv6   = "ipv6"
)

// kinds is the pattern in which the types follow each other. Before every URL stands the domain it lies on.
var kinds = [kindPeriod]string{
	kindDomain, kindURL, kindDomain, kindIP, kindDomain, kindURL, kindDomain, kindIPv6,
	kindDomain, kindURL, kindDomain, kindDomain, kindURL, kindIPv6, kindDomain, kindURL,
}

const (
	kindPeriod = 16
	ipPosition = 3 // of the IPv4 address within the pattern
	ipCount    = 3 * 256
)

// ipNetworks are the networks of IPv4 that are reserved for documentation.
var ipNetworks = [3][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}

// The ids of indicators grow with their numbers, with gaps in between.
const (
	firstIID = 1_000_003
	iidStep  = 7
)

// self is the number of an indicator that was submitted.
const self = -1

// famous are what clients like to ask for to see whether their key works. They have the numbers -1, -2 …, the last one first.
var famous = [...]outsider{
	{"8.8.8.8", kindIP, 3, riskNone}, {"google.com", kindDomain, 2, riskNone}, {"pulsedive.com", kindDomain, 53929, riskNone},
}

// risks are the names of the risk levels; retired stands in their place where only one value is shown.
var risks = [...]string{"unknown", "none", "low", "medium", "high", "critical", retired}

const (
	retired      = "retired"
	riskNone     = 1
	riskRetired  = 6
	retireReason = "No recent activity"
)

// riskShares says how often which risk is drawn, as indexes into [risks].
var riskShares = [...]int{0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5}

// indicator is one number of the world, and what is drawn for it.
type indicator struct {
	w    *world
	n    int
	draw uint64
	out  *outsider // nil for one that is computed
}

// slot tells the draws of one indicator apart.
type slot uint64

const (
	slotIID slot = iota + 1
	slotRisk
	slotRetired
	slotWord
	slotPath
	slotAddress
	slotPlace
	slotProfile
	slotTitle
	slotShape
	slotPrivate
	slotAdded
	slotSeen
	slotUpdated
	slotComment
	slotHistory
	slotLinked // the last one: a feed or threat adds its own number
)

func (w *world) indicator(n int) indicator {
	i := indicator{w, n, mix(w.seed ^ mix(uint64(n))), nil}
	if n < 0 && -n <= len(famous) {
		i.out = &famous[len(famous)+n]
	}
	return i
}

// famous tells whether clients like to ask for it.
func (i indicator) famous() bool { return i.out != nil && i.out.iid > 0 && i.out.iid < firstKept }

// pick draws a number in [0, n).
func (i indicator) pick(s slot, n int) int { return below(i.draw^uint64(s)<<32, n) }

func (i indicator) iid() int {
	if i.out != nil {
		return i.out.iid
	}
	return firstIID + i.n*iidStep + i.pick(slotIID, iidStep)
}

func (i indicator) kind() string {
	if i.out != nil {
		return i.out.kind
	}
	kind := kinds[i.n%kindPeriod]
	if kind == kindIP && i.n/kindPeriod >= ipCount {
		return kindIPv6 // there are no more addresses of IPv4 to make examples of
	}
	return kind
}

// risk is an index into [risks]; the risk stays when an indicator is retired.
func (i indicator) risk() int {
	if i.out != nil {
		return i.out.risk
	}
	risk := riskShares[i.pick(slotRisk, len(riskShares))]
	if way, age := i.change(); way == reassessed {
		risk = (risk + 1 + age) % riskRetired
	}
	return risk
}

func (i indicator) retired() bool {
	if way, _ := i.change(); way == retiring {
		return true
	}
	return i.retiredFromTheStart()
}

func (i indicator) retiredFromTheStart() bool { return i.out == nil && i.pick(slotRetired, 12) == 0 }

// shownRisk is the risk where retirement takes its place.
func (i indicator) shownRisk() int {
	if i.retired() {
		return riskRetired
	}
	return i.risk()
}

// appendValue appends the indicator itself. No two indicators have the same.
func (i indicator) appendValue(b []byte) []byte {
	switch {
	case i.out != nil:
		return append(b, i.out.value...)
	case i.kind() == kindURL:
		return i.appendURL(b)
	case i.kind() == kindDomain:
		return i.appendDomain(b)
	default:
		return i.address().AppendTo(b)
	}
}

func (i indicator) value() string {
	var buffer [256]byte // longer than any value, so that only the string is allocated
	return string(i.appendValue(buffer[:0]))
}

// appendDomain appends words, a code for the number and one of the domains for examples.
func (i indicator) appendDomain(b []byte) []byte {
	words := i.pick(slotWord, len(firstWords)*len(secondWords)*len(exampleDomains))
	b = append(b, firstWords[words%len(firstWords)]...)
	words /= len(firstWords)
	b = append(append(b, '-'), secondWords[words%len(secondWords)]...)
	words /= len(secondWords)
	b = strconv.AppendUint(append(b, '-'), uint64(i.n)^i.w.mask(), 36)
	return append(b, exampleDomains[words]...)
}

// appendURL appends an address on the domain that stands before the URL.
func (i indicator) appendURL(b []byte) []byte {
	path := urlPaths[i.pick(slotPath, len(urlPaths))]
	b = append(b, path.scheme...)
	b = i.w.indicator(i.n - 1).appendDomain(b)
	return append(b, path.rest...)
}

func (i indicator) address() netip.Addr {
	if i.kind() == kindIP {
		k := (i.n/kindPeriod + i.w.rotation()) % ipCount
		network := ipNetworks[k>>8]
		return netip.AddrFrom4([4]byte{network[0], network[1], network[2], byte(k)})
	}
	address := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint64(address[4:], mix(i.draw^uint64(slotAddress)))
	binary.BigEndian.PutUint32(address[12:], uint32(uint64(i.n)^i.w.mask()))
	return netip.AddrFrom16(address)
}

// mask hides the numbers in domains and addresses.
func (w *world) mask() uint64 { return mix(w.seed) & (1<<30 - 1) }

// rotation is the place of the first IPv4 address among those for examples.
func (w *world) rotation() int { return below(w.seed, ipCount) }

// byIID finds the indicator with an id.
func (w *world) byIID(iid int) (indicator, bool) {
	if i, ok := w.famous(func(o outsider) bool { return o.iid == iid }); ok {
		return i, true
	}
	if o := w.kept.at(iid); o != nil {
		return w.outside(o), true
	}
	n := (iid - firstIID) / iidStep
	if iid < firstIID || !w.has(n) {
		return indicator{}, false
	}
	i := w.indicator(n)
	return i, i.iid() == iid
}

// famous finds one of those that clients like to ask for.
func (w *world) famous(is func(outsider) bool) (indicator, bool) {
	k := slices.IndexFunc(famous[:], is)
	return w.indicator(k - len(famous)), k >= 0
}

// byValue finds the indicator with a value: a domain in any case, an address in any spelling, a URL as it is.
func (w *world) byValue(value string) (indicator, bool) {
	if i, ok := w.computed(value); ok {
		return i, true
	}
	if o := w.kept.find(value); o != nil {
		return w.outside(o), true
	}
	return indicator{}, false
}

// computed is byValue without those that were submitted.
func (w *world) computed(value string) (indicator, bool) {
	value = strings.TrimSpace(value)
	if i, ok := w.famous(func(o outsider) bool { return strings.EqualFold(o.value, value) }); ok {
		return i, true
	}
	if address, err := netip.ParseAddr(value); err == nil {
		i := w.indicator(w.addressNumber(address))
		return i, w.has(i.n) && i.value() == address.String()
	}
	_, rest, isURL := strings.Cut(value, "://")
	if !isURL {
		value = strings.ToLower(value)
		rest = value
	}
	n := w.domainNumber(rest)
	if isURL {
		n++
	}
	return w.indicator(n), w.has(n) && w.indicator(n).value() == value
}

// has tells whether there is an indicator with a number.
func (w *world) has(n int) bool {
	return n >= 0 && n < w.size && (w.generation == 0 || w.indicator(n).there())
}

// addressNumber returns the only number that may have this address, or -1.
func (w *world) addressNumber(address netip.Addr) int {
	if address.Is6() {
		b := address.As16()
		return int(uint64(binary.BigEndian.Uint32(b[12:])) ^ w.mask())
	}
	b := address.As4()
	for k, network := range ipNetworks {
		if network == [3]byte(b[:3]) {
			return (k<<8+int(b[3])+ipCount-w.rotation())%ipCount*kindPeriod + ipPosition
		}
	}
	return -1
}

// domainNumber returns the only number that may have the domain at the beginning of s, or -1.
func (w *world) domainNumber(s string) int {
	label, _, _ := strings.Cut(s, ".")
	code, err := strconv.ParseUint(label[strings.LastIndexByte(label, '-')+1:], 36, 32)
	if err != nil {
		return -1
	}
	return int(code ^ w.mask())
}
