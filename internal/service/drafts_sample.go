package service

import (
	"context"
	"encoding/json"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// DraftSample is what the steps after the test of a source need to know of it.
type DraftSample struct {
	Of      string           `json:"of"` // the source that was tested; see reading
	Records int64            `json:"records"`
	Pages   int              `json:"pages,omitzero"` // calls of the test; 0: it is known without one
	More    bool             `json:"more,omitzero"`  // there are more records than these calls gave
	Schema  sallyport.Schema `json:"schema"`
}

// reading says what the source of a draft reads.
func (d *Draft) reading() string {
	return reads(sallyport.Source{Connector: d.Connector, Credential: d.Credential, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request, Raw: d.Raw})
}

// readSample takes what is kept of a test, if the source is still the one that was tested.
func (d *Draft) readSample(text string) error {
	var kept *DraftSample
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return sallyport.Errorf(sallyport.Internal, "the sample of draft %s cannot be read: %w", d.ID, err)
	}
	if kept != nil && kept.Of == d.reading() {
		d.Sample = kept
	}
	return nil
}

// SampleDraft reads a sample from the source of a draft. Of its records nothing is stored, of what they look like the draft keeps a note. A draft
// of which nothing was stored yet is stored as it begins.
// With an error it returns what there is nevertheless, as TestSource does.
func (s *Service) SampleDraft(ctx context.Context, user sallyport.ID, actor sallyport.Actor, d *Draft) (*Sample, error) {
	source := SourceDraft{Connector: d.Connector, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request, Raw: d.Raw, Propose: d.Request != nil, Of: d.changed()}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.checkStep(ctx, tx, d, StepConfigure); err != nil {
			return err
		}
		spec, err := s.draftSpec(ctx, tx, d)
		source.Credential = spec.Source.Credential
		return err
	})
	if err != nil {
		return &Sample{}, err
	}
	sample, err := s.TestSource(ctx, actor, source)
	if err != nil || sample.Proposal != nil { // what was read is not what the draft says
		return sample, err
	}
	d.Sample = &DraftSample{Of: d.reading(), Records: int64(len(sample.Records)), Pages: sample.Pages, More: sample.More, Schema: sample.Schema}
	note, err := json.Marshal(d.Sample)
	if err != nil {
		return sample, err
	}
	begun, err := s.Draft(ctx, user, d.Handle())
	if err != nil {
		return sample, err
	}
	return sample, s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := keepBeginning(ctx, tx, user, begun); err != nil {
			return err
		}
		return tx.SetDraftSample(ctx, user, d.ID, string(note))
	})
}
