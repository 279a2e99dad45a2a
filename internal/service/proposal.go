package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/content"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/dataset"
)

// Proposal is how a response to a custom request should be read.
type Proposal struct {
	Request sallyport.Request `json:"request"` // the tested one with what the response shows; what the person declared stays
	Why     []string          `json:"why"`     // sentences: what in the response shows it
	Proven  bool              `json:"proven"`  // a second page was read and has other records than the first
	Flow    string            `json:"flow"`    // a flow file in YAML that only needs names
}

// maxProposed bounds the text that a proposal is made of, in bytes.
const maxProposed = 8 << 20

// propose finds out how the response to the first request should be read, and proves it: the sample becomes what the proposed request gives. It
// does nothing if it has no better idea than the person. The error is the one of the test that was made so far.
func (s *Sample) propose(ctx context.Context, source sallyport.Source, check func(*sallyport.Request) error, open opener, err error) error {
	p := s.better(source, check)
	if p == nil {
		return err
	}
	asked := source.Request
	source.Request = &p.Request
	proposed := &Sample{Records: []json.RawMessage{}, Answer: s.Answer, redactor: s.redactor, recorder: s.recorder}
	repeats, failed := proposed.prove(ctx, source, open)
	if (failed != nil || repeats) && p.Request.Paging.Type != sallyport.PagingSingle {
		p.Why = append(p.Why, s.redactor.String(unproven(failed)))
		p.Request.Paging = sallyport.Paging{Type: sallyport.PagingSingle}
		*proposed = Sample{Records: []json.RawMessage{}, Answer: s.Answer, redactor: s.redactor, recorder: s.recorder}
		_, failed = proposed.prove(ctx, source, open)
	}
	if failed != nil || len(proposed.Records) == 0 || reflect.DeepEqual(p.Request, *asked) {
		return err
	}
	p.Proven = proposed.proven
	s.Records, s.More, s.Pages, s.Page, s.Schema, s.Key = proposed.Records, proposed.More, proposed.Pages, proposed.Page, proposed.Schema, p.Request.Key
	s.Paging, s.Proposal = p.Request.Paging.Type, p
	if err != nil {
		s.Problem = s.redactor.String(err.Error())
	}
	return nil
}

func unproven(err error) string {
	if err != nil {
		return "The second page could not be read: " + err.Error()
	}
	return "The second page has the same records as the first, so no paging is proposed."
}

// likelyEncoding is the most usual one of texts that are not UTF-8.
const likelyEncoding = "windows-1252"

// textOf is the beginning of the text of a response.
func textOf(header http.Header, body []byte, encoding string) ([]byte, error) {
	return io.ReadAll(io.LimitReader(content.New(header, io.NopCloser(bytes.NewReader(body)), encoding), maxProposed))
}

// better is what the first response suggests beyond the tested request, nil if that is nothing.
func (s *Sample) better(source sallyport.Source, check func(*sallyport.Request) error) *Proposal {
	response, body := s.recorder.First()
	if response == nil || response.StatusCode != http.StatusOK || source.Request == nil {
		return nil
	}
	p := &Proposal{Request: *source.Request}
	text, err := textOf(response.Header, body, p.Request.Encoding)
	if _, undecodable := errors.AsType[*content.Error](err); undecodable && p.Request.Encoding == "" {
		p.Request.Encoding = likelyEncoding
		text, err = textOf(response.Header, body, likelyEncoding)
		p.Why = []string{"The text is not UTF-8 and names no other encoding. " + likelyEncoding + " is the likeliest: check letters such as ä or é."}
	}
	if err != nil {
		return nil
	}
	p.Why = append(p.Why, rest.Advise(&p.Request, response, text)...)
	if reflect.DeepEqual(p.Request, *source.Request) || check(&p.Request) != nil {
		return nil
	}
	return p
}

// prove reads the first two pages. It tells whether the second one only repeats records of the first.
func (s *Sample) prove(ctx context.Context, source sallyport.Source, open opener) (repeats bool, err error) {
	pages, err := open(source, nil)
	if err != nil {
		return false, err
	}
	observer, first := dataset.NewObserver(sallyport.Schema{}), map[string]bool{}
	for page, err := range pages.Pages(ctx, "") {
		if err != nil {
			return false, err
		}
		s.Pages++
		records, fresh, err := s.readWhole(page, observer, first)
		if err != nil {
			return false, err
		}
		s.More = s.More || page.Next != "" || page.Incomplete != ""
		if s.Pages == 2 {
			s.proven, repeats = fresh, page.Incomplete != "" || records > 0 && !fresh // with a key, a page that only repeats is incomplete
			break
		}
	}
	s.Schema = observer.Schema()
	return repeats, nil
}

// readWhole reads a page to its end and counts its records. It tells whether the first page lacks one of them.
func (s *Sample) readWhole(page *connector.Page, observer *dataset.Observer, first map[string]bool) (records int64, fresh bool, err error) {
	for record, err := range page.Records {
		if err != nil {
			return records, false, err
		}
		records++
		fresh = fresh || !first[string(record)]
		switch {
		case len(s.Records) == SampleSize:
			s.More = true
		default:
			if err := s.take(record, observer); err != nil {
				return records, false, err
			}
		}
		if s.Pages == 1 && len(first) < countAtMost {
			first[string(record)] = true
		}
	}
	if s.Pages == 1 {
		s.Page = records
	}
	return records, fresh, nil
}

// placeholderName stands in a proposed flow file for what only a person can name.
const placeholderName = "NAME"

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// flowFile is a flow file with a request.
func flowFile(credential string, request sallyport.Request) (string, error) {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(strings.TrimSuffix(path.Base(request.URL), path.Ext(request.URL))), "-"), "-")
	if name == "" {
		name = "records"
	}
	if credential == "" {
		credential = placeholderName
	}
	spec := FlowSpec{Flow: name, Source: SourceSpec{Connector: ManualConnector, Credential: credential, Request: &request}, Destinations: []DestinationSpec{
		{Name: "lines", Connector: "file", Config: Values{"path": name + ".ndjson"}},
	}}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(spec); err != nil {
		return "", err
	}
	return out.String(), encoder.Close()
}

// describe writes the flow file of the proposal.
func (s *Sample) describe(credential string) {
	if s.Proposal == nil {
		return
	}
	text, err := flowFile(credential, s.Proposal.Request)
	if err == nil { // it was checked as YAML can hold it
		s.Proposal.Flow = s.redactor.String(text)
	}
}

// checkProposed checks a proposed request as one that a person wrote.
func (s *Service) checkProposed(request *sallyport.Request) error {
	definition, err := s.Catalogue.Definition(ManualConnector)
	if err != nil {
		return err
	}
	return definition.CheckRequest(request)
}
