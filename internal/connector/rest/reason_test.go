package rest

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport-io/sallyport"
)

// TestReasons has the error bodies of real systems.
func TestReasons(t *testing.T) {
	for _, test := range []struct{ system, body, want string }{
		{"GitHub", `{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}`, "Not Found"},
		{"GitHub, invalid", `{"message":"Validation Failed","errors":[{"message":"The listed users cannot be searched","resource":"Search","field":"q","code":"invalid"}]}`,
			"Validation Failed: The listed users cannot be searched"},
		{"GitLab", `{"message":{"base":["Name has already been taken"]}}`, "base: Name has already been taken"},
		{"Google", `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","errors":[{"message":"API key not valid. Please pass a valid API key.","domain":"global"}],"status":"INVALID_ARGUMENT"}}`,
			"API key not valid. Please pass a valid API key."},
		{"OAuth", `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`, "Token has been expired or revoked."},
		{"Microsoft Graph", `{"error":{"code":"Request_ResourceNotFound","message":"Resource 'x' does not exist.","innerError":{"date":"2024-01-01T00:00:00"}}}`, "Resource 'x' does not exist."},
		{"OData 3", `{"odata.error":{"code":"","message":{"lang":"en-US","value":"Syntax error at position 5."}}}`, "Syntax error at position 5."},
		{"Slack", `{"ok":false,"error":"ratelimited"}`, "ratelimited"},
		{"Stripe", `{"error":{"message":"No such customer: 'cus_x'","type":"invalid_request_error"}}`, "No such customer: 'cus_x'"},
		{"Twitter", `{"errors":[{"code":32,"message":"Could not authenticate you."}]}`, "Could not authenticate you."},
		{"GraphQL", `{"data":null,"errors":[{"message":"Field 'x' doesn't exist","locations":[{"line":1}]},{"message":"Second"}]}`, "Field 'x' doesn't exist; Second"},
		{"JSON:API", `{"errors":[{"status":"422","source":{"pointer":"/data"},"title":"Invalid Attribute","detail":"Name is too short."}]}`, "Invalid Attribute: Name is too short."},
		{"AbuseIPDB", `{"errors":[{"detail":"Daily rate limit of 1000 requests exceeded.","status":429}]}`, "Daily rate limit of 1000 requests exceeded."},
		{"VirusTotal", `{"error":{"code":"NotFoundError","message":"Domain \"x\" not found"}}`, `Domain "x" not found`},
		{"Shodan", `{"error":"No information available for that IP."}`, "No information available for that IP."},
		{"FastAPI", `{"detail":[{"loc":["query","limit"],"msg":"value is not a valid integer","type":"type_error.integer"}]}`, "query.limit: value is not a valid integer"},
		{"FastAPI, text", `{"detail":"Not authenticated"}`, "Not authenticated"},
		{"Django REST framework", `{"limit":["A valid integer is required."]}`, "limit: A valid integer is required."},
		{"problem details", `{"type":"https://x/p","title":"Out of credit","status":403,"detail":"Your balance is 30."}`, "Out of credit: Your balance is 30."},
		{"ASP.NET", `{"title":"One or more validation errors occurred.","status":400,"errors":{"Limit":["The value 'x' is not valid."]}}`,
			"One or more validation errors occurred: Limit: The value 'x' is not valid."},
		{"Jira", `{"errorMessages":["The value 'X' does not exist for the field 'project'."],"errors":{}}`, "The value 'X' does not exist for the field 'project'."},
		{"Jira, fields", `{"errorMessages":[],"errors":{"project":"project is required"}}`, "project: project is required"},
		{"Salesforce", `[{"message":"unexpected token: FROMM","errorCode":"MALFORMED_QUERY"}]`, "unexpected token: FROMM"},
		{"Shopify", `{"errors":"[API] Invalid API key or access token"}`, "[API] Invalid API key or access token"},
		{"Okta", `{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorCauses":[]}`, "Invalid token provided"},
		{"Dropbox", `{"error_summary":"path/not_found/..","error":{".tag":"path"}}`, "path/not_found/.."},
		{"Elasticsearch", `{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [x]"}],"reason":"no such index [x]"},"status":404}`, "no such index [x]"},
		{"Apigee", `{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}`, "Invalid ApiKey"},
		{"AWS", `{"__type":"ValidationException","Message":"1 validation error"}`, "1 validation error"},
		{"CoinMarketCap", `{"status":{"error_code":1001,"error_message":"This API Key is invalid."}}`, "This API Key is invalid."},
		{"Telegram", `{"ok":false,"error_code":404,"description":"Not Found"}`, "Not Found"},
		{"Spring", `{"timestamp":"2024","status":400,"error":"Bad Request","message":"","path":"/x"}`, "Bad Request"},
		{"urlscan.io", `{"message":"API key supplied but not found","description":"x","status":401}`, "API key supplied but not found"},
		{"CrowdStrike", `{"meta":{"query_time":0.1},"errors":[{"code":403,"message":"access denied, authorization failed"}],"resources":[]}`, "access denied, authorization failed"},
		{"Etherscan-like", `{"ErrorMessage":"Max rate limit reached"}`, "Max rate limit reached"},
		{"JSON text", `"Unauthorized"`, "Unauthorized"},
		{"plain text", "error code: 1015\n", "error code: 1015"},
		{"S3", `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message><RequestId>1</RequestId></Error>`, "Request has expired"},
		{"SOAP", `<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>1</faultcode><faultstring xml:lang="en">No &lt;limit&gt; &amp; so on</faultstring></s:Fault></s:Body></s:Envelope>`, "No & so on"},
		{"OAI-PMH", `<OAI-PMH><error code="badVerb">Illegal verb</error></OAI-PMH>`, "Illegal verb"},
		{"nginx", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body></html>", "502 Bad Gateway"},
		{"heading only", `<!DOCTYPE html><style>h1{}</style><h1 class="x">Down for <b>maintenance</b></h1>`, "Down for maintenance"},
		{"CDATA", `<error><![CDATA[No such <feed>]]></error>`, "No such"},
		{"page that says nothing", `<html><body>Hello</body></html>`, ""},
		{"cut off", `{"message":"Bad query","trace":["a","b`, "Bad query"},
		{"byte order mark", "\xef\xbb\xbf{\"error\":\"x\"}", "x"},
		{"nothing", `{"message":null,"error":false,"code":7}`, ""},
		{"deep", strings.Repeat(`{"errors":`, 5000) + `"x"` + strings.Repeat("}", 5000), ""},
		{"numbers", `[1,2]`, ""},
		{"bytes", "\x00\x01\xff", ""},
		{"script in JSON", `{"message":"<script>alert(1)</script><p>No &lt;b&gt;access&lt;/b&gt;</p>"}`, "No access"},
	} {
		t.Run(test.system, func(t *testing.T) {
			if got := reasonIn([]byte(test.body)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestReasonIsShown looks at the error of a whole source: one redacted, bounded line.
func TestReasonIsShown(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"No\nlist for ` + testKey + `"}`:                 `HTTP 400, "No list for [redacted]"`,
		strings.Repeat("é ", 400):                                    "é…",
		"<title>" + testKey + "</title>":                             `HTTP 400, "[redacted]"`,
		strings.Repeat(" ", maxRefusal-10) + testKey:                 "HTTP 400",
		`{"error":{"message":"in the declared place is an object"}}`: `{\"message\":`,
	} {
		f := failureOf(t, testConfig(serve(t, sends(400, body)).URL, sallyport.Request{URL: "/"}))
		if got := f.Error(); !strings.Contains(got, want) || strings.Contains(got, testKey[:10]) || len([]rune(f.Said())) > maxSentence {
			t.Errorf("%.40s: %s", body, got)
		}
	}
	f := failureOf(t, testConfig(serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("message", "Invalid apiKey "+testKey)
		w.WriteHeader(404)
	}).URL, sallyport.Request{URL: "/"}))
	if !strings.Contains(f.Error(), `"Invalid apiKey [redacted]"`) {
		t.Error(f)
	}
}

func FuzzReason(f *testing.F) {
	for _, seed := range []string{`{"error":{"message":"x"}}`, `[{"detail":[{"loc":["a"],"msg":"b"}]}]`, "<Error><Message>x</Message></Error>", "text", `{"a":["b"],"c":`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), maxRefusal)]
		said := reasonIn(body)
		if strings.Contains(strings.ToLower(said), "<script") && tag.MatchString(said) {
			t.Errorf("a tag: %q", said)
		}
		if utf8.Valid(body) && !utf8.ValidString(said) {
			t.Errorf("not UTF-8: %q", said)
		}
	})
}
