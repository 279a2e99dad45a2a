package service_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

const (
	pasted    = "gs+abcdefghijk0123==" // distinctive
	pastedOwn = "hunter2hunter2"       // 14 characters: only its own credential's fields and flows may not hold it
)

// store stores a credential with a key, untested.
func (p *place) store(name, key string) {
	p.Helper()
	if _, err := p.Service.CreateCredential(p.Context(), actor, draftWith(name, key), service.WithoutTesting); err != nil {
		p.Fatal(err)
	}
}

func draftWith(name, key string) service.CredentialDraft {
	return service.CredentialDraft{
		Name: name, Connector: "rest", Public: map[string]string{"address": "https://api.example.com", "auth": "query", "name": "key"},
		Secrets: map[string]secret.Text{"value": secret.New(key)},
	}
}

// refusesKey wants an error about a field that says nothing of the key, and nothing of the key in any file.
func (p *place) refusesKey(field, key string, err error) {
	p.Helper()
	if sallyport.CodeOf(err) != sallyport.Invalid || err == nil || !strings.Contains(err.Error(), "secret field") && !strings.Contains(err.Error(), "enter a key in the field \"value\"") {
		p.Errorf("%s: %v", field, err)
		return
	}
	if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), url.QueryEscape(key)) {
		p.Errorf("%s: the error repeats the key: %v", field, err)
	}
	if !strings.Contains(fmt.Sprint(err), field) && !strings.Contains(err.(*sallyport.Error).Field, field) {
		p.Errorf("%s: the error is about another field: %v", field, err)
	}
}

// nowhere wants a text in no file of the data directory.
func (p *place) nowhere(text string) {
	p.Helper()
	err := filepath.WalkDir(p.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) || bytes.Contains(content, []byte(url.QueryEscape(text))) {
			p.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		p.Error(err)
	}
	if strings.Contains(p.log.String(), text) {
		p.Error("the log holds the key")
	}
}

// TestKeyInAPlainFieldOfACredential pastes the key of the same request where it does not belong, as it is and in a URL's way of writing it.
func TestKeyInAPlainFieldOfACredential(t *testing.T) {
	p := newPlace(t, nil)
	for _, key := range []string{pasted, pastedOwn} {
		for _, text := range []string{key, "my " + url.QueryEscape(key) + " key"} {
			for field, put := range map[string]func(d *service.CredentialDraft){
				"name":           func(d *service.CredentialDraft) { d.Name = text },
				"description":    func(d *service.CredentialDraft) { d.Description = "the key is\n" + text },
				"connector":      func(d *service.CredentialDraft) { d.Connector = text },
				"public.address": func(d *service.CredentialDraft) { d.Public["address"] = "https://h.example/?key=" + text },
				"public.name":    func(d *service.CredentialDraft) { d.Public["name"] = text },
				"public":         func(d *service.CredentialDraft) { d.Public[text] = "x" },
			} {
				d := draftWith("new", key)
				put(&d)
				_, err := p.Service.CreateCredential(t.Context(), actor, d, service.WithoutTesting)
				p.refusesKey(field, key, err)
				_, err = p.Service.TestDraft(t.Context(), actor, d)
				p.refusesKey(field, key, err)
			}
		}
		p.nowhere(key)
	}
}

// TestKnownKeyInAPlainField pastes the key of a stored credential into everything that a credential, a flow, a test or a token has.
func TestKnownKeyInAPlainField(t *testing.T) {
	p := newPlace(t, nil)
	p.store("theirs", pasted)
	p.store("own", pastedOwn)
	text := "x " + pasted
	c, err := p.Service.Credential(t.Context(), "own")
	if err != nil {
		t.Fatal(err)
	}
	c.Description = text
	p.refusesKey("description", pasted, p.Service.UpdateCredential(t.Context(), actor, c.Credential))
	c.Description, c.Name = "", pastedOwn
	p.refusesKey("name", pastedOwn, p.Service.UpdateCredential(t.Context(), actor, c.Credential))
	_, _, err = p.Tokens.Create(t.Context(), actor, text, sallyport.Scopes, sallyport.Now().AddDate(1, 0, 0))
	p.refusesKey("name", pasted, err)

	for _, key := range []string{pasted, pastedOwn} {
		for field, put := range map[string]func(s *service.FlowSpec){
			"flow":                  func(s *service.FlowSpec) { s.Flow = key },
			"description":           func(s *service.FlowSpec) { s.Description = "with " + key },
			"source.connector":      func(s *service.FlowSpec) { s.Source.Connector = key },
			"source.request.url":    func(s *service.FlowSpec) { s.Source.Request.URL = "/list?api_key=" + url.QueryEscape(key) },
			"source.request.query":  func(s *service.FlowSpec) { s.Source.Request.Query = map[string]sallyport.Texts{key: {"x"}} },
			"request.query.q":       func(s *service.FlowSpec) { s.Source.Request.Query = map[string]sallyport.Texts{"q": {"x", key}} },
			"request.headers.X-Key": func(s *service.FlowSpec) { s.Source.Request.Headers = map[string]string{"X-Key": "Token " + key} },
			"source.params.types":   func(s *service.FlowSpec) { s.Source.Params = service.Values{"types": []any{"ip", key}} },
			"destinations.0.name":   func(s *service.FlowSpec) { s.Destinations[0].Name = key },
			"config.path":           func(s *service.FlowSpec) { s.Destinations[0].Config["path"] = "/tmp/" + key },
		} {
			spec := service.FlowSpec{
				Flow: "new", Source: service.SourceSpec{Connector: "rest", Credential: "own", Request: &sallyport.Request{URL: "/list"}},
				Destinations: []service.DestinationSpec{{Name: "lines", Connector: "file", Config: service.Values{"path": filepath.Join(p.dir, "o")}}},
			}
			put(&spec)
			_, err := p.Service.CreateFlow(t.Context(), actor, spec)
			p.refusesKey(field, key, err)
			if spec.Flow == "new" {
				spec.Flow = "f"
				_, err = p.Service.ReplaceFlow(t.Context(), actor, "f", time.Time{}, spec)
				p.refusesKey(field, key, err)
			}
		}
		file := fmt.Sprintf("flow: new\nsource: {connector: rest, credential: own, request: {url: /, query: {q: %q}}}\n", key)
		_, err := p.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{{Name: "f.yaml", Data: []byte(file)}}, false)
		p.refusesKey("f.yaml:2", key, err)
		_, err = p.Service.TestSource(t.Context(), actor, service.SourceDraft{
			Connector: "rest", Credential: "own", Request: &sallyport.Request{URL: "/" + key},
		})
		p.refusesKey("source.request.url", key, err)
		p.nowhere(key)
	}
}

// TestWordLikeKeysRefuseNothing lets nobody keep others from using ordinary text by storing it as a key.
func TestWordLikeKeysRefuseNothing(t *testing.T) {
	p := newPlace(t, nil)
	for i, key := range []string{"created_at", "indicators", "https://other.example.com", "/var/lib/sallyport/files", "threat-intelligence", pastedOwn} {
		p.store(fmt.Sprint("word ", i), key)
		if err := p.Service.CheckPlain(t.Context(), "name", "the "+key+" of everybody"); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestNewKeyInAPlainFieldOfItsCredential refuses to replace a key by one that stands in a plain field of the credential already.
func TestNewKeyInAPlainFieldOfItsCredential(t *testing.T) {
	p := newPlace(t, nil)
	for field, put := range map[string]func(d *service.CredentialDraft){
		"name":           func(d *service.CredentialDraft) { d.Name = "x " + pasted },
		"description":    func(d *service.CredentialDraft) { d.Description = pasted },
		"public.address": func(d *service.CredentialDraft) { d.Public["address"] = "https://h.example/" + pasted },
	} {
		d := draftWith("n "+field, "another-key-1")
		put(&d)
		c, err := p.Service.CreateCredential(t.Context(), actor, d, service.WithoutTesting)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Service.RotateCredential(t.Context(), actor, string(c.ID), draftWith("", pasted).Secrets, service.WithoutTesting)
		p.refusesKey(field, pasted, err)
		if now, err := p.Service.Credential(t.Context(), string(c.ID)); err != nil || now.Version != 1 {
			t.Errorf("%s: version %d, %v", field, now.Version, err)
		}
	}
}
