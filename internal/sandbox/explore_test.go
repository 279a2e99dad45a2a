package sandbox_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// found is what Explore finds, by id.
func (b *bench) found(t *testing.T, q string) map[int]row {
	t.Helper()
	all := map[int]row{}
	for _, r := range b.explore(t, q, "100000") {
		all[r.IID] = r
	}
	return all
}

// Cut at any time, both parts together are the whole and have nothing in common.
func TestTimesPartitionAQuery(t *testing.T) {
	b := start(t, sandbox.Options{})
	whole := b.found(t, "type=domain")
	for _, at := range []string{"2024-01-01", "2024-06-15", "2025-03-01", "2030-01-01"} {
		for _, cut := range [][2]string{{"not seen=" + at + "+", "seen=" + at + "+"}, {"seen=" + at + "-", "seen!=" + at + "-"}} {
			before, after := b.found(t, "type=domain and "+cut[0]), b.found(t, "type=domain "+cut[1])
			if len(before)+len(after) != len(whole) {
				t.Errorf("%d %s and %d %s, of %d", len(before), cut[0], len(after), cut[1], len(whole))
			}
			for iid := range before {
				if _, both := after[iid]; both {
					t.Errorf("%d is %s and %s", iid, cut[0], cut[1])
				}
			}
		}
	}
	month := map[int]row{}
	for day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC); day.Month() == time.May; day = day.AddDate(0, 0, 1) {
		for iid, r := range b.found(t, "type=domain seen="+day.Format(time.DateOnly)) {
			month[iid] = r
		}
	}
	for _, q := range []string{
		"seen=2024-05-01-2024-05-31", "seen=2024-05-01+ and seen=2024-05-31-", `seen="2024-05-01 00:00:00-2024-05-31 23:59:59"`,
		"seen=2024-05-01-2024-05-15,2024-05-16-2024-05-31",
	} {
		if diff := cmp.Diff(b.found(t, "type=domain "+q), month); diff != "" || len(month) == 0 {
			t.Errorf("%s, and %d in the days of the month: %s", q, len(month), diff)
		}
	}
}

// TestPublishedLanguage asks one thing in several ways of the language that Pulsedive documents.
func TestPublishedLanguage(t *testing.T) {
	b := start(t, sandbox.Options{Records: 600})
	for q, same := range map[string][]string{
		"active=true":         {"active!=false", "not active=false", "retired=0"},
		"type=domain,ip":      {"type=domain or type=ip", "type=domain|type=ip", "TYPE=Domain || type=IP", "not type=url and not type=ipv6"},
		"risk=high+":          {"risk=high,critical", "risk=high or risk=critical", "risk!=medium-"},
		"risk=low-":           {"risk=unknown,none,low", "not risk=medium+"},
		"type=ip & risk=none": {"type=ip && risk=none", "type=ip and risk=none", "type=ip risk=none", "(risk=none)&(type=ip)"},
		"pulsedive.com":       {"ioc=pulsedive.com", "PULSEDIVE.com", `"pulsedive.com"`},
		"8.8.8.8,google.com":  {"ioc=8.8.8.8 or ioc=google.com", "8.8.8.8|google.com"},
		"*.example.org":       {"ioc=*.example.org", `ioc="*.EXAMPLE.org"`},
		`feed="example abuse desk"`: {
			`feed="Example Bad Domains","Example Bad IPs"`, `feed="example abuse desk *"`, `feed="Example Abuse Desk Example Bad *"`,
		},
		`feed="Phish & Co. Ltd."`:         {`feed="example phishing urls"`},
		"content-type=text/html*":         {"++content-type=text/html*", "http.content-type=TEXT/*", `"content-type"="text/html; charset=utf-8"`},
		"meta=*UTF*":                      {"meta.charset=utf-8", "charset=UTF-8"},
		`ssl="*example trust r3*"`:        {`issuer="*Example Trust R3"`, `ssl.issuer="*trust r3"`},
		`"name server"=ns1.*`:             {`"whois.name server"=ns1.example.net`},
		"threat=zeus":                     {"threat=Zbot", "threat=zbot,nothing"},
		"port=22,53 and not active=false": {"(port=22|port=53)&active=true"},
	} {
		want := b.found(t, q)
		if len(want) == 0 {
			t.Errorf("%s finds nothing", q)
		}
		for _, other := range same {
			if diff := cmp.Diff(want, b.found(t, other)); diff != "" {
				t.Errorf("%s and %s differ: %.500s", q, other, diff)
			}
		}
	}
}

// TestRowsOfExplore wants of a row what is said of one: its level of risk, no word on whether it is retired, and the domain of a URL.
func TestRowsOfExplore(t *testing.T) {
	b := start(t, sandbox.Options{Records: 600})
	body := b.get(t, "/api/explore.php", "q", "type=url and active=false", "limit", "1000")
	found := decode[struct {
		Results []struct {
			IID     int
			Risk    string
			Retired *string
			Stamp   string `json:"stamp_retired"`
			Summary struct {
				Domain    string
				DomainIID int
			}
		}
		Query string
	}](t, body)
	if len(found.Results) == 0 || found.Query != "type=url and active=false" {
		t.Errorf("%d rows of %q", len(found.Results), found.Query)
	}
	for _, r := range found.Results {
		if r.Risk == "retired" || r.Retired != nil || r.Stamp == "" || r.Summary.Domain == "" || r.Summary.DomainIID == 0 {
			t.Errorf("%+v", r)
		}
	}
	again := string(b.get(t, "/api/explore.php", "q", "active=true", "limit", "1000"))
	if !strings.Contains(again, `"stamp_retired":"`) {
		t.Error("none of those that are active was ever retired")
	}
	if !strings.Contains(again, `"summary":{"properties":{}}`) || !strings.Contains(again, `"attributes":{"`) {
		t.Error("there is no empty summary, or none with attributes")
	}
}

func TestPropertiesAndAttributesAreFound(t *testing.T) {
	b := start(t, sandbox.Options{Records: 500})
	for q, want := range map[string]string{
		"http.server=nginx*":                      `"Server":"nginx\/1.24.0"`,
		`geo.city="São Paulo"`:                    `"city":"S\u00e3o Paulo"`,
		"port=8080":                               `"8080"`,
		"technology=wordpress type=domain":        `"WordPress"`,
		"dns.mx=mx2.example.net":                  `"MX2.EXAMPLE.NET"`,
		"hosttype=subdomain and not protocol=SSH": `"Subdomain"`,
	} {
		found := b.found(t, q)
		if len(found) == 0 {
			t.Errorf("%s: nothing", q)
		}
		count := 0
		for iid := range found {
			if count++; count > 20 {
				break
			}
			if body := string(b.get(t, "/api/indicator.php", "iid", strconv.Itoa(iid))); !strings.Contains(body, want) {
				t.Errorf("%s: found %s", q, body)
			}
		}
	}
	if found := b.found(t, "http.++code=503"); len(found) > 0 { // replaced by a later value
		t.Errorf("%d are found by what they were before", len(found))
	}
}

func TestWhatIsNotOfTheLanguage(t *testing.T) {
	b := start(t, sandbox.Options{})
	for q, want := range map[string]string{
		"seen>=2024-01-01": "terms are field=value", "seen=yesterday": "seen is a day", "seen=2024-13-01+": "seen is a day",
		"seen=2024-01-01+-": "seen is a day", "seen=": "a value is missing", "nothing.x=1": "unknown field", "nothing=1": "unknown field",
		"lastseen=2024-01-01": "unknown field", "risk=highest": "risk is unknown, none", "risk=high++": "risk is unknown", "active=maybe": "active is true or false",
	} {
		if w := b.ask("/api/explore.php", "q", q); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
	if w := b.ask("/api/explore.php", "type", "threats", "q", "seen=2024-01-01+"); w.Code != http.StatusBadRequest {
		t.Errorf("threats: %d %s", w.Code, w.Body)
	}
}
