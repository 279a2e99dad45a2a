package sandbox

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// collection is one of TAXII. Its first members are the identity and the marking that all others refer to.
type collection struct {
	id, title, description string
	free                   bool // for every plan
	threats                bool // of threats, not of indicators
	most                   int  // so many indicators at most; 0 means all
}

// The ids of the first two are Pulsedive's; that of the third is not known and made up.
var collections = []collection{
	{id: "a5cffbfe-c0ff-4842-a235-cb3a7a040a37", title: "Indicators", description: "All indicators"},
	{id: "981c4916-ebb2-4567-aece-54ae970c4230", title: "Test", description: "Fifty indicators for trying things out", free: true, most: 50},
	{id: "7b1f6a52-0c3e-4d7b-9a8e-5f0c2d4e6a81", title: "Threats", description: "All threats", threats: true},
}

// Members that are added together have the same time: so many, so many seconds before the next.
const (
	addedTogether = 5
	addedEvery    = 3
	headCount     = 2
)

// member is the p-th object of a collection.
type member struct {
	w       *world
	threats bool
	p       int
}

func (of collection) member(w *world, p int) member { return member{w, of.threats, p} }

func (of collection) count(w *world) int {
	switch {
	case of.threats:
		return headCount + len(w.threats)
	case of.most > 0:
		return headCount + min(of.most, w.size)
	}
	return headCount + w.size
}

func (m member) indicator() indicator { return m.w.indicator(m.p - headCount) }

func (m member) threat() threat { return m.w.threats[m.p-headCount] }

// there tells whether the object has not vanished.
func (m member) there() bool { return m.p < headCount || m.threats || m.w.has(m.p-headCount) }

func (m member) kind() string {
	switch {
	case m.p == 0:
		return "identity"
	case m.p == 1:
		return "marking-definition"
	case m.threats && (m.threat().category == "apt" || m.threat().category == "group"):
		return "threat-actor"
	case m.threats:
		return "malware"
	}
	return "indicator"
}

// created grows with the position.
func (m member) created() int64 {
	switch {
	case m.p < headCount:
		return epoch - day
	case m.threats:
		return epoch + int64(m.threat().id)*day
	}
	return epoch + int64((m.p-headCount)/addedTogether*addedEvery)
}

func (m member) modified() int64 {
	if m.p < headCount || m.threats {
		return m.created()
	}
	return max(m.created(), m.indicator().updated())
}

// token is what next says of the member that was last.
func (m member) token() string { return dateTime(m.created()) + "|" + strconv.Itoa(m.p) }

// id is made of the seed and what the member is.
func (m member) id() string {
	space := uint64(0)
	if m.p >= headCount {
		space = map[bool]uint64{false: 1, true: 2}[m.threats]
	}
	var b [16]byte
	high := mix(m.w.seed ^ mix(space))
	binary.BigEndian.PutUint64(b[:], mix(high^uint64(m.p)))
	binary.BigEndian.PutUint64(b[8:], mix(mix(high)^uint64(m.p)))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // it is written as a random one
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("%s--%s-%s-%s-%s-%s", m.kind(), h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

func stixTime(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02T15:04:05.000Z") }

// stix writes a member.
func (e *encoder) stix(m member) {
	e.begin('{')
	e.stringField("type", m.kind())
	e.stringField("spec_version", "2.1")
	e.stringField("id", m.id())
	e.stringField("created", stixTime(m.created()))
	switch {
	case m.p == 0:
		e.stringField("modified", stixTime(m.modified()))
		e.stringField("name", "Pulsedive sandbox")
		e.stringField("identity_class", "organization")
	case m.p == 1:
		e.stringField("definition_type", "statement")
		e.rawField("definition", `{"statement":"Made up; not Pulsedive's."}`)
	default:
		e.stringField("modified", stixTime(m.modified()))
		e.stringField("created_by_ref", member{m.w, false, 0}.id())
		e.key("object_marking_refs")
		e.strings([]string{member{m.w, false, 1}.id()})
		if m.threats {
			e.stixThreat(m)
		} else {
			e.stixIndicator(m.indicator())
		}
	}
	e.end('}')
}

// manifest writes what is told of a member without its content.
func (e *encoder) manifest(m member) {
	e.begin('{')
	e.stringField("id", m.id())
	e.stringField("date_added", stixTime(m.created()))
	e.stringField("version", stixTime(m.modified()))
	e.stringField("media_type", stixType)
	e.end('}')
}

// confidences go with [risks].
var confidences = [...]int{0, 10, 30, 50, 70, 90}

func (e *encoder) stixIndicator(i indicator) {
	risk := i.risk()
	kind := "malicious-activity"
	switch risk {
	case 0:
		kind = "unknown"
	case riskNone:
		kind = "benign"
	}
	e.stringField("name", i.value())
	e.key("indicator_types")
	e.strings([]string{kind})
	e.stringField("pattern", i.stixPattern())
	e.stringField("pattern_type", "stix")
	e.stringField("valid_from", stixTime(i.added()))
	e.rawField("revoked", strconv.FormatBool(i.retired()))
	e.key("labels")
	e.strings([]string{risks[risk]})
	e.intField("confidence", confidences[risk])
	e.key("external_references")
	e.begin('[')
	e.begin('{')
	e.stringField("source_name", "Pulsedive")
	e.stringField("external_id", strconv.Itoa(i.iid()))
	e.stringField("url", "https://pulsedive.com/indicator/?iid="+strconv.Itoa(i.iid()))
	e.end('}')
	e.end(']')
}

// stixPattern is the indicator in the language of STIX.
func (i indicator) stixPattern() string {
	object := map[string]string{kindDomain: "domain-name", kindURL: "url", kindIP: "ipv4-addr", kindIPv6: "ipv6-addr"}[i.kind()]
	return "[" + object + ":value = '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(i.value()) + "']"
}

func (e *encoder) stixThreat(m member) {
	t := m.threat()
	e.stringField("name", t.name)
	e.stringField("description", t.summary)
	e.key("aliases")
	e.strings(t.aliases)
	e.key("labels")
	e.strings([]string{t.category, t.risk})
	if m.kind() == "malware" {
		e.rawField("is_family", "true")
	}
}
