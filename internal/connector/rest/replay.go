package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport/internal/connector"
	lookups "github.com/sallyport-io/sallyport/internal/connector/lookup"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// RunTests runs a definition's tests: each call goes through the same code as in a run, but gets the recorded answers, which lie in files.
// Each test is made twice, as flows pull again and again. Nothing is retried and no connection is made. The error joins what is wrong in each test.
func RunTests(ctx context.Context, def *connector.Definition, files fs.FS) error {
	var all []error
	for _, test := range def.Tests {
		if err := runTest(ctx, def, test, files); err != nil {
			all = append(all, fmt.Errorf("test %q: %w", test.Name, err))
		}
	}
	return errors.Join(all...)
}

func runTest(ctx context.Context, def *connector.Definition, test connector.Test, files fs.FS) error {
	endpoint, err := def.Endpoint(test.Endpoint)
	if err != nil {
		return err
	}
	params, err := endpoint.CheckParams(test.Params)
	if err != nil {
		return err
	}
	replay := &replay{files: files, answers: test.Answers}
	config := Config{Definition: def, Endpoint: endpoint, Params: params, Transport: func(*url.URL) http.RoundTripper { return replay }}
	if spec := def.Credential; spec != nil {
		config.Public = examples(spec.Fields)
		config.Secrets = func(context.Context) (map[string]secret.Text, error) {
			return madeUp(def.SecretFields()), nil
		}
		replay.auth = def.AuthOf(endpoint).Resolve(config.Public)
	}
	for range 2 { // a second pull must be as good as the first
		replay.asked = nil
		source, err := openTest(config)
		if err != nil {
			return err
		}
		if err := errors.Join(check(ctx, source, test.Expect), replay.check(test.Expect.Requests)); err != nil {
			return err
		}
	}
	return nil
}

// openTest opens the source of a test. It waits for nothing.
func openTest(c Config) (connector.Source, error) {
	source, err := open(c, 1)
	switch {
	case err != nil:
		return nil, err
	case source.job != nil:
		source.sleep = func(context.Context, time.Duration) error { return nil }
		return source, nil
	case c.Endpoint.Split != nil:
		return split(c, source)
	case c.Endpoint.Answers != nil:
		return source.with(c, c.Endpoint.Answers.Name, "1")
	case c.Endpoint.Each == nil:
		return source, nil
	}
	return each(c, source, lookups.Values(connector.Texts(c.Params[c.Endpoint.Each.List])), nil)
}

// examples makes up a credential's public fields.
func examples(fields []connector.Field) map[string]string {
	public := map[string]string{connector.AddressField: "https://api.example.com"}
	for _, f := range fields {
		if value := cmp.Or(f.Default, f.Example); f.Public && value != nil {
			public[f.Name] = fmt.Sprint(value)
		}
	}
	return public
}

// madeUp makes up a credential's secrets.
func madeUp(fields []connector.Field) map[string]secret.Text {
	secrets := map[string]secret.Text{}
	for _, f := range fields {
		secrets[f.Name] = secret.New("a-key-for-replayed-answers")
	}
	return secrets
}

// check reads all records and compares them with what was expected.
func check(ctx context.Context, source connector.Source, want connector.Expect) error {
	var first map[string]any
	records := 0
	var misshapen error
	plain, _ := source.(*Source) // any other adds to its records
	failed := everyRecord(ctx, source, func(record []byte) {
		if plain != nil && plain.form.shape != nil && misshapen == nil {
			misshapen = plain.form.shape.Check(record)
		}
		if records++; records == 1 {
			first = fieldsOf(record)
		}
	})
	errs := []error{checkFailure(failed, want), misshapen}
	if records != want.Records {
		errs = append(errs, fmt.Errorf("there are %d records, not %d", records, want.Records))
	}
	for _, name := range slices.Sorted(maps.Keys(want.First)) {
		if got, want := first[name], normal(want.First[name]); !reflect.DeepEqual(got, want) {
			errs = append(errs, fmt.Errorf("%s of the first record is %v, not %v", name, got, want))
		}
	}
	return errors.Join(errs...)
}

func everyRecord(ctx context.Context, source connector.Source, each func(record []byte)) error {
	for page, err := range source.Pages(ctx, "") {
		if err != nil {
			return err
		}
		for record, err := range page.Records {
			if err != nil {
				return err
			}
			each(record)
		}
	}
	return nil
}

// checkFailure compares how a test ended. An answer of class empty is no failure.
func checkFailure(err error, want connector.Expect) error {
	if want.Class == connector.ClassEmpty {
		want.Class = ""
	}
	f, failed := errors.AsType[*connector.Failure](err)
	switch {
	case err == nil && want.Class == "":
		return nil
	case err == nil:
		return fmt.Errorf("it ends well, not in a failure of class %s", want.Class)
	case failed && f.Class != want.Class:
		return fmt.Errorf("it ends in a failure of class %s, not %s: %w", f.Class, cmp.Or(want.Class, "none"), err)
	case failed && want.Window != "" && f.Window != want.Window, failed && want.Limit != 0 && f.Limit != want.Limit:
		return fmt.Errorf("its failure names a limit of %d for the window %q, not %d for %q", f.Limit, f.Window, want.Limit, want.Window)
	case failed:
		return nil
	}
	return err
}

// fieldsOf returns the fields of a record, nil if it is no object.
func fieldsOf(record []byte) map[string]any {
	fields, _ := normal(json.RawMessage(record)).(map[string]any)
	return fields
}

// normal brings a value into the form in which values from YAML and from JSON can be compared.
func normal(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var out any
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if numbers.Decode(&out) != nil {
		return value
	}
	return out
}

// replay is a RoundTripper that gives recorded answers in their order.
type replay struct {
	files   fs.FS
	answers []connector.Answer
	auth    connector.Auth
	asked   []string // path and query of each call, without the key
}

// RoundTrip gives the next answer.
func (r *replay) RoundTrip(request *http.Request) (*http.Response, error) {
	u := *request.URL
	u.RawQuery = withoutKeys(u.RawQuery, r.auth)
	r.asked = append(r.asked, u.RequestURI())
	if len(r.asked) > len(r.answers) {
		return nil, errors.New("no recorded answer is left")
	}
	return r.answer(r.answers[len(r.asked)-1])
}

func (r *replay) answer(a connector.Answer) (*http.Response, error) {
	body := []byte(a.Body)
	if a.File != "" {
		var err error
		if body, err = fs.ReadFile(r.files, a.File); err != nil {
			return nil, err
		}
	}
	header := http.Header{"Content-Type": {jsonType}}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	return &http.Response{StatusCode: cmp.Or(a.Status, http.StatusOK), Header: header, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// check compares the calls with those that were expected, and with the answers. The order of a query's parameters does not matter.
func (r *replay) check(want []string) error {
	switch {
	case len(r.asked) > len(r.answers):
		return fmt.Errorf("it asks for %s, but there are only %d answers", r.asked[len(r.answers)], len(r.answers))
	case len(r.asked) < len(r.answers):
		return fmt.Errorf("it asks for %d of %d answers", len(r.asked), len(r.answers))
	case want == nil:
		return nil
	}
	if got, want := ordered(r.asked), ordered(want); !slices.Equal(got, want) {
		return fmt.Errorf("it asks for\n  %s\nnot for\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	return nil
}

// ordered writes the queries of some calls in one order.
func ordered(calls []string) []string {
	var out []string
	for _, call := range calls {
		if u, err := url.Parse(call); err == nil {
			u.RawQuery = u.Query().Encode()
			call = u.String()
		}
		out = append(out, call)
	}
	return out
}
