package service

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// What a test of a source fetches at most.
const (
	SampleSize  = 20 // records
	samplePages = 5  // calls, where pages are short or empty
)

// SourceDraft is a source before it belongs to a flow: the flow file of one, or what the command line says.
type SourceDraft struct {
	File       *FlowFile // if set, the source of its first flow
	Connector  string
	Credential string
	Endpoint   string
	Params     map[string]any
	Request    *sallyport.Request // instead of an endpoint
}

// Sample is what a source gives.
type Sample struct {
	Records []json.RawMessage `json:"records"`
	More    bool              `json:"more"`          // there are more than these
	Pages   int               `json:"pages"`         // calls that were made
	Key     []string          `json:"key,omitempty"` // the fields that together name a record
}

// TestSource reads a sample from a source. Nothing is stored.
func (s *Service) TestSource(ctx context.Context, actor sallyport.Actor, d SourceDraft) (*Sample, error) {
	source, key, err := s.resolveSource(ctx, d)
	if err != nil {
		return nil, err
	}
	var credential sallyport.Credential
	if source.Credential != "" {
		if credential, err = s.Store.Credential(ctx, source.Credential); err != nil {
			return nil, err
		}
	}
	open, err := s.Engine.OpenSource(source, credential.Public, s.Engine.Keys(actor, source.Credential))
	if err != nil {
		return nil, err
	}
	sample := &Sample{Records: []json.RawMessage{}, Key: key}
	for page, err := range open.Pages(ctx, "") {
		if err != nil {
			return nil, err
		}
		sample.Pages++
		for record, err := range page.Records {
			if err != nil {
				return nil, err
			}
			if len(sample.Records) == SampleSize {
				sample.More = true
				return sample, nil
			}
			sample.Records = append(sample.Records, bytes.Clone(record))
		}
		if len(sample.Records) == SampleSize || sample.Pages == samplePages {
			sample.More = page.Next != ""
			break
		}
	}
	return sample, nil
}

// resolveSource checks a draft as applying a flow would.
func (s *Service) resolveSource(ctx context.Context, d SourceDraft) (source sallyport.Source, key []string, err error) {
	spec := placedSpec{flowSpec: flowSpec{Source: sourceSpec{Connector: d.Connector, Credential: d.Credential, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request}}}
	if d.File != nil {
		specs, err := d.File.specs()
		if err != nil {
			return source, nil, err
		}
		spec = specs[0]
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		source, key, err = resolver{s, tx}.source(ctx, spec.Source)
		return err
	})
	return source, key, spec.at(err, "source")
}
