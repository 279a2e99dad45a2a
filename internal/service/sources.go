package service

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/files"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// What a test of a source fetches at most.
const (
	SampleSize  = 20     // records
	samplePages = 5      // calls, where pages are short or empty
	countAtMost = 20_000 // records of the first page
)

// SourceDraft is a source before it belongs to a flow: the flow file of one, or what the command line says.
type SourceDraft struct {
	File       *FlowFile // if set, the source of its first flow
	Connector  string
	Credential string
	Endpoint   string
	Params     map[string]any
	Request    *sallyport.Request // instead of an endpoint
	Raw        bool               // each record also has the original, as _raw
	Propose    bool               // of a Request: find out how the response should be read, which may take one more request
	System     string             // with a Request: where the system is, such as https://api.example.com; without a credential it needs no key
	Of         grant.Flow         // the flow that the draft changes, if any: it may use what was granted to that
}

// Sample is what a source gives.
type Sample struct {
	Records []json.RawMessage `json:"records"`
	More    bool              `json:"more"`                  // there are more than these
	Pages   int               `json:"pages"`                 // calls that were made
	Page    int64             `json:"page_records,omitzero"` // records of the first page; 0 if they are too many to be counted
	Paging  string            `json:"paging"`
	Free    int               `json:"free,omitzero"` // records that cost no call
	Key     []string          `json:"key,omitempty"` // the fields that together name a record
	Schema  sallyport.Schema  `json:"schema"`        // of the records
	Answer  []byte            `json:"-"`             // the beginning of the first answer, as it came, without any secret

	Exchanges []connector.Exchange `json:"requests,omitempty"` // that were sent, with the responses to them
	Proposal  *Proposal            `json:"proposal,omitempty"` // the records are those that it gives
	Problem   string               `json:"problem,omitempty"`  // with a proposal: why the request as it was tested cannot be read

	redactor *secret.Redactor
	recorder *rest.Recorder
	proven   bool // the second page has records that the first has not
}

// TestSource reads a sample from a source. Nothing is stored but answers about single values, which nobody must ask for again then. With an
// error it returns what there is nevertheless: the beginning of the answer.
func (s *Service) TestSource(ctx context.Context, actor sallyport.Actor, d SourceDraft) (*Sample, error) {
	sample := &Sample{Records: []json.RawMessage{}, recorder: new(rest.Recorder)}
	source, credential, err := s.resolveDraft(ctx, actor, d)
	if err != nil {
		return sample, err
	}
	if sample.Key, err = s.Engine.Key(source); err != nil {
		return sample, err
	}
	if err := s.Engine.MaySample(source); err != nil {
		return sample, err
	}
	if err := s.auditTest(ctx, actor, d, source); err != nil {
		return sample, err
	}
	if source.Params, err = s.sampleParams(source); err != nil {
		return sample, err
	}
	if err := s.LearnKeys(ctx); err != nil {
		return sample, err
	}
	sample.redactor = s.Shown().With(s.Vault.Known(source.Credential)...)
	if credential.ID != "" {
		credential = s.Engine.Trusted(credential)
	}
	open := func(source sallyport.Source, peek func([]byte)) (connector.Source, error) {
		return s.Engine.OpenSample(source, credential, s.Engine.Keys(actor, credential), s.openFor(actor, d.Of),
			engine.Watch{Peek: peek, Recorder: sample.recorder})
	}
	if sample.Paging, err = s.Engine.Paging(source); err != nil {
		return sample, err
	}
	err = sample.test(ctx, source, open)
	if d.Propose {
		err = sample.propose(ctx, source, s.checkProposed, open, err)
		sample.describe(d.Credential)
	}
	sample.Exchanges = sample.recorder.Exchanges(sample.redactor)
	return sample, err
}

// openFor opens the file of a list for a test.
func (s *Service) openFor(actor sallyport.Actor, flow grant.Flow) connector.OpenFiles {
	if actor.IsOwner() {
		return s.Files.OpenForOwner
	}
	return func(ctx context.Context, path string) (files.FS, string, error) {
		return s.Files.Open(ctx, flow, sallyport.FileRead, path)
	}
}

// sampleParams are the parameters of a source for a look at its first records.
func (s *Service) sampleParams(source sallyport.Source) (map[string]any, error) {
	definition, err := s.Catalogue.Definition(source.Connector)
	if err != nil || source.Endpoint == "" {
		return source.Params, err
	}
	endpoint, err := definition.Endpoint(source.Endpoint)
	if err != nil {
		return nil, err
	}
	return endpoint.SampleParams(source.Params, SampleSize), nil
}

// opener opens a source of a test.
type opener func(source sallyport.Source, peek func([]byte)) (connector.Source, error)

// test reads the sample of a source.
func (s *Sample) test(ctx context.Context, source sallyport.Source, open opener) error {
	pages, err := open(source, s.peek)
	if err != nil {
		return err
	}
	return s.read(ctx, pages)
}

// peek keeps the beginning of the first answer.
func (s *Sample) peek(beginning []byte) {
	if s.Answer == nil {
		s.Answer = s.redactor.Bytes(beginning)
	}
}

// read reads as many pages as it takes to fill the sample.
func (s *Sample) read(ctx context.Context, source connector.Source) error {
	observer := dataset.NewObserver(sallyport.Schema{})
	for page, err := range source.Pages(ctx, "") {
		if err != nil {
			return err
		}
		before := len(s.Records)
		if !page.Free {
			s.Pages++
		}
		if err := s.readPage(page, observer); err != nil {
			return err
		}
		if page.Free {
			s.Free += len(s.Records) - before
		}
		if len(s.Records) == SampleSize || s.Pages == samplePages {
			s.More = s.More || page.Next != "" || page.Incomplete != ""
			break
		}
	}
	s.Schema = observer.Schema()
	return nil
}

// readPage takes what the sample has room for, and counts the rest of the first page: that costs no call. Once the sample is full an error
// ends the counting only.
func (s *Sample) readPage(page *connector.Page, observer *dataset.Observer) error {
	records := int64(0)
	for record, err := range page.Records {
		switch full := len(s.Records) == SampleSize; {
		case err != nil && !full:
			return err
		case err != nil || records == countAtMost || full && s.Pages > 1:
			s.More = true
			return nil
		case full:
			s.More = true
		default:
			if err := s.take(record, observer); err != nil {
				return err
			}
		}
		records++
	}
	if s.Pages == 1 {
		s.Page = records
	}
	return nil
}

func (s *Sample) take(record []byte, observer *dataset.Observer) error {
	record = s.redactor.Record(record)
	s.Records = append(s.Records, bytes.Clone(record))
	if len(record) == 0 || record[0] != '{' {
		return nil // a run would put it into quarantine
	}
	return observer.Observe(record)
}

// resolveDraft checks a draft, and finds its credential.
func (s *Service) resolveDraft(ctx context.Context, actor sallyport.Actor, d SourceDraft) (source sallyport.Source, c sallyport.Credential, err error) {
	if d.System != "" {
		return s.resolveTrial(ctx, actor, d)
	}
	if source, err = s.resolveSource(ctx, actor, d); err != nil || source.Credential == "" {
		return source, c, err
	}
	c, err = s.Store.Credential(ctx, source.Credential)
	return source, c, err
}

// resolveSource checks a draft as applying a flow would.
func (s *Service) resolveSource(ctx context.Context, actor sallyport.Actor, d SourceDraft) (source sallyport.Source, err error) {
	spec := placedSpec{FlowSpec: FlowSpec{Source: SourceSpec{Connector: d.Connector, Credential: d.Credential, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request}}}
	if d.File != nil {
		specs, err := d.File.specs()
		if err != nil {
			return source, err
		}
		spec = specs[0]
	}
	if err := s.checkPlainSpec(ctx, spec.FlowSpec); err != nil {
		return source, spec.at(err)
	}
	spec.Source.Raw = spec.Source.Raw || d.Raw
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		source, _, err = resolver{Service: s, tx: tx, actor: actor, of: d.Of}.source(ctx, spec.Source)
		return err
	})
	return source, spec.at(err, "source")
}
