package config

import (
	"bytes"
	"strings"

	"github.com/sallyport-io/sallyport/internal/strictyaml"
)

// file is what config.yaml may hold.
type file struct {
	Database    string   `yaml:"database"`
	MasterKey   string   `yaml:"master_key"`
	Addr        string   `yaml:"addr"`
	RejectLimit string   `yaml:"reject_limit"`
	Patience    string   `yaml:"patience"`
	VanishLimit string   `yaml:"vanish_limit"`
	Confirm     string   `yaml:"confirm"`
	Hosts       []string `yaml:"hosts"`
	Proxies     []string `yaml:"trusted_proxies"`
	Files       struct {
		Roots []string `yaml:"roots"`
	} `yaml:"files"`
	Egress struct {
		AllowPrivate  []string `yaml:"allow_private"`
		AllowLoopback []string `yaml:"allow_loopback"`
	} `yaml:"egress"`
	Redact struct {
		PreviousKeys string `yaml:"previous_keys"`
	} `yaml:"redact"`
	Log struct {
		Level  string `yaml:"level"`
		Format string `yaml:"format"`
	} `yaml:"log"`
}

func (f *file) values() map[string]string {
	return map[string]string{
		"database":              f.Database,
		"master_key":            f.MasterKey,
		"addr":                  f.Addr,
		"reject_limit":          f.RejectLimit,
		"patience":              f.Patience,
		"vanish_limit":          f.VanishLimit,
		"confirm":               f.Confirm,
		"hosts":                 strings.Join(f.Hosts, ","),
		"trusted_proxies":       strings.Join(f.Proxies, ","),
		"files.roots":           strings.Join(f.Files.Roots, ","),
		"egress.allow_private":  strings.Join(f.Egress.AllowPrivate, ","),
		"egress.allow_loopback": strings.Join(f.Egress.AllowLoopback, ","),
		"redact.previous_keys":  f.Redact.PreviousKeys,
		"log.level":             f.Log.Level,
		"log.format":            f.Log.Format,
	}
}

// parseFile returns the values that stand in a settings file, by the name of their setting.
func parseFile(path string, content []byte) (map[string]value, error) {
	if isBlank(content) {
		return nil, nil
	}
	doc, err := strictyaml.One(path, content)
	if err != nil {
		return nil, err
	}
	var f file
	if err := doc.Decode(&f); err != nil {
		return nil, err
	}
	found := map[string]value{}
	for name, text := range f.values() {
		found[name] = value{text, place(doc, name)}
	}
	return found, nil
}

func place(doc *strictyaml.Document, name string) string {
	var keys []any
	for key := range strings.SplitSeq(name, ".") {
		keys = append(keys, key)
	}
	return doc.Place(keys...)
}

// isBlank tells whether a file holds comments at most: its settings are all commented out.
func isBlank(content []byte) bool {
	for line := range bytes.Lines(content) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}
