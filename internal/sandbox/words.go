package sandbox

// What the made-up data is made of. Nothing here names anybody: hosts and addresses are those reserved for documentation.

var (
	firstWords = [...]string{
		"login", "secure", "update", "mail", "cdn", "invoice", "account", "portal", "static", "shop", "wallet", "support", "files",
		"track", "news", "media", "cloud", "verify", "bank", "post", "auth", "img", "pay", "games", "docs", "team", "vpn", "wiki", "blog",
		"api", "dev", "old",
	}
	secondWords = [...]string{
		"amber", "birch", "cedar", "delta", "ember", "flint", "grove", "harbor", "iris", "juniper", "kestrel", "lagoon", "maple", "nectar",
		"onyx", "pebble", "quartz", "raven", "sable", "thistle", "umber", "violet", "willow", "yarrow", "zephyr", "anchor", "beacon", "copper",
		"dune", "falcon", "garnet", "heron",
	}
	exampleDomains = [...]string{".example.com", ".example.net", ".example.org"}
)

// urlPaths are what URLs look like around their host. Some need careful encoding.
var urlPaths = [...]struct{ scheme, rest string }{
	{"https://", "/"},
	{"https://", "/login/index.html"},
	{"http://", "/wp-content/plugins/update.php?id=1&next=%2Faccount+now#top"},
	{"http://", ":8080/bin/arm7.elf"},
	{"https://", "/überweisung/?q=\"<script>alert(1)</script>\""},
	{"http://", "/a;b=c/'or'1'='1"},
	{"https://", "/images/2024/very/long/path/with/many/parts/that/some/program/may/cut/off/somewhere/in/the/middle.gif"},
	{"https://", "/=cmd%7C'%20/C%20calc'!A0"},
}

// place is where an indicator is, as its properties tell. Empty fields are left out.
type place struct{ address, city, country, code, org, region, zip string }

var places = [...]place{
	{},
	{country: "Canada", code: "CA", city: "Toronto", org: "Example Hosting Inc.", region: "ON", zip: "M5V 0A1"},
	{country: "United States of America", code: "US", city: "Springfield", org: "Example Cloud, LLC", region: "Illinois"},
	{country: "Brazil", code: "BR", city: "São Paulo", org: "Exemplo S.A."},
	{country: "Germany", code: "DE", city: "Köln", org: "Beispiel GmbH & Co. KG", region: "North Rhine-Westphalia", address: "Straße 1"},
	// A region that was decoded once too often.
	{country: "Lithuania", code: "LT", city: "Siauliai", org: "Pavyzdys, UAB", region: "\u00c5\u00a0iauliai City Municipality"},
	{country: "Japan", code: "JP", city: "東京", org: "例示株式会社"},
	{country: "Russian Federation", code: "RU", org: "ООО «Пример»"},
	{country: "Netherlands", code: "NL", city: "Amsterdam", org: `Voorbeeld "Hosting" B.V. \ Co`},
	{country: "Egypt", code: "EG", city: "القاهرة", org: "شركة مثال"},
	{country: "Switzerland", code: "CH", org: "<script>alert('org')</script>"},
	{country: "Ireland", code: "IE", city: "Dublin", org: "=cmd|' /C calc'!A0"},
	{country: "Poland", code: "PL", city: "Łódź", org: "+48;SUM(1,2)", region: "-1+1"},
	{country: "Viet Nam", code: "VN", city: "@SUM(A1:A9)", org: "Cloud ☁ 😎 Ltd"},
	{country: "United States of America", code: "US", org: "Line one\nLine two\r\nLine three\twith a tab"},
	{country: "Singapore", code: "SG"},
}

// profile is what runs on a host.
type profile struct {
	ports, protocols, technologies, hostTypes []string
	server                                    string // the HTTP header of that name
	bannerPort, banner                        string
}

// attributeCategories are the kinds of things that run on a host.
var attributeCategories = [...]string{"hosttype", "port", "protocol", "technology"}

// values returns what a profile has of a category.
func (p profile) values(category string) []string {
	switch category {
	case "hosttype":
		return p.hostTypes
	case "port":
		return p.ports
	case "protocol":
		return p.protocols
	default:
		return p.technologies
	}
}

var profiles = [...]profile{
	{ports: []string{"443", "80"}, protocols: []string{"HTTP", "HTTPS"}, technologies: []string{"Nginx", "PHP", "jQuery"},
		server: "nginx/1.24.0"},
	{ports: []string{"143", "21", "25", "443", "80"}, protocols: []string{"FTP", "HTTP", "HTTPS", "IMAP", "SMTP"},
		technologies: []string{"Apache", "mod_ssl", "UNIX"}, hostTypes: []string{"Subdomain"}, server: "Apache/2.4.58 (Unix) OpenSSL/3.0.13",
		bannerPort: "21",
		banner:     "220---------- Welcome to Example-FTPd [privsep] [TLS] ----------\n220-You are user number 1 of 50 allowed.\n220 Bye."},
	{ports: []string{"53"}, protocols: []string{"DNS"}, hostTypes: []string{"Name Server"}},
	{ports: []string{"22"}, protocols: []string{"SSH"}, technologies: []string{"OpenSSH", "Ubuntu"},
		bannerPort: "22", banner: "SSH-2.0-OpenSSH_9.6\r\nX-Injected: yes\r\n\r\n\x1b[31mred\x1b[0m"},
	{ports: []string{"80", "8080"}, protocols: []string{"HTTP"}, technologies: []string{"animate.css", "WordPress", "MySQL"},
		server: `Micro"soft/IIS\10.0`},
	{},
}

// titles are what the pages of hosts call themselves.
var titles = [...]string{
	"Sign in", "404 Not Found", "Überweisung bestätigen", "<script>alert('title')</script>", "=HYPERLINK(\"http://192.0.2.1/\",\"Invoice\")",
	"购物车 🛒", "Index of /", "invoice\u202egnp.exe", "a,b;c\t\"d\"", "'; DROP TABLE indicators; --",
}

// remark is a comment that somebody left.
type remark struct{ title, comment string }

var remarks = [...]remark{
	{"Analyst", "Seen in a mail to <b>everybody</b>. <script>alert(document.cookie)</script>"},
	{"", "=cmd|' /C calc'!A0"},
	{"Founder", "Have you seen our example tier? 😎\nSecond line."},
	{"Räuber", "Zażółć gęślą jaźń / \"quoted\" \\ slashed"},
}

// riskFactor is a reason for a risk.
type riskFactor struct {
	id                int
	description, risk string
}

var riskFactors = [...]riskFactor{
	{2, "found in third-party feeds", "medium"},
	{3, "all linked indicators return PTR records", "none"},
	{44, "registration details hidden", "unknown"},
	{70, "Linked IPs return PTR records", "none"},
	{71, `=HYPERLINK("http://192.0.2.1/","registered, then moved")`, "low"},
}
