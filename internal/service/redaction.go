package service

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// learnInterval is how long a credential that another process stored may be unknown to this one.
const learnInterval = time.Second

// redactionActor is who opens secrets so that they are redacted.
var redactionActor = sallyport.Actor{Kind: "system", Name: "redaction"}

// learning is when the keys of all credentials were learned last.
type learning struct {
	mu sync.Mutex
	at time.Time
}

// LearnKeys makes the redactor know the keys of all stored credentials. It comes before everything that shows what is stored: a record of
// old may hold the key of any of them. Those that are new are opened in one pass, after one entry in the audit log; one that cannot be opened
// is logged.
func (s *Service) LearnKeys(ctx context.Context) error {
	s.learning.mu.Lock()
	defer s.learning.mu.Unlock()
	now := time.Now()
	if now.Sub(s.learning.at).Abs() < learnInterval {
		return nil
	}
	versions, err := s.Store.CredentialVersions(ctx)
	if err != nil {
		return err
	}
	if unknown := s.Vault.Unknown(versions); len(unknown) > 0 {
		if err := s.learn(ctx, unknown); err != nil {
			return err
		}
	}
	s.learning.at = now
	return nil
}

func (s *Service) learn(ctx context.Context, unknown []sallyport.ID) error {
	all, err := s.Store.Credentials(ctx)
	if err != nil {
		return err
	}
	slices.Sort(unknown)
	all = slices.DeleteFunc(all, func(c sallyport.Credential) bool {
		_, found := slices.BinarySearch(unknown, c.ID)
		return !found
	})
	problems, err := s.Vault.LearnAll(ctx, redactionActor, all)
	for _, p := range problems {
		s.Log.WarnContext(ctx, "the key of a credential is unknown, so it would not be redacted", "credential", p.Credential.Name, "error", p.Err)
	}
	if err != nil {
		return err
	}
	return s.learnPrevious(ctx)
}

// learnPrevious makes the redactor know the secrets that were replaced and are kept. One that cannot be opened is logged.
func (s *Service) learnPrevious(ctx context.Context) error {
	all, err := s.Store.AllPreviousSecrets(ctx, sallyport.Now())
	if err != nil {
		return err
	}
	if err := s.Vault.LearnPrevious(ctx, redactionActor, all); err != nil {
		s.Log.WarnContext(ctx, "previous secrets are unknown, so they would not be redacted", "error", err)
	}
	return nil
}

// Shown redacts what is shown to anyone: the distinctive ones of the keys that were learned. Others could stand in innocent text, and anyone
// who may store a credential could garble what everybody else sees.
func (s *Service) Shown() *secret.Redactor { return s.Redactor.Distinctive() }

// shownOf redacts the records of a flow: as Shown does, and for every key of the flow's own credentials.
func (s *Service) shownOf(ctx context.Context, flow sallyport.Flow) (*secret.Redactor, error) {
	if err := s.LearnKeys(ctx); err != nil {
		return nil, err
	}
	own := s.Vault.Known(flow.Source.Credential)
	for _, d := range flow.Destinations {
		own = append(own, s.Vault.Known(d.Credential)...)
	}
	return s.Shown().With(own...), nil
}

// shownIn is shownOf the flow that a dataset belongs to.
func (s *Service) shownIn(ctx context.Context, dataset sallyport.ID) (*secret.Redactor, error) {
	flow, err := flowOfDataset(ctx, s.Store, dataset)
	if err != nil {
		return nil, err
	}
	return s.shownOf(ctx, flow)
}

// redacted yields records without keys.
func redacted(r *secret.Redactor, records iter.Seq[[]byte]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for record := range records {
			if !yield(r.Record(record)) {
				return
			}
		}
	}
}

// passing redacts during one request for secrets that are not stored, or not yet. Until done is called the log knows them, too.
func (s *Service) passing(secrets map[string]secret.Text) (r *secret.Redactor, done func()) {
	var texts []secret.Text
	for _, text := range secrets {
		texts = append(texts, text)
	}
	s.Passing.Add(texts...)
	return s.Redactor.With(texts...), func() { s.Passing.Forget(texts...) }
}

// shownQuarantined takes keys out of records in quarantine, and out of why they are there.
func (s *Service) shownQuarantined(ctx context.Context, all []sallyport.Quarantined) error {
	redactors := map[sallyport.ID]*secret.Redactor{} // by dataset
	for i := range all {
		q := &all[i]
		r := redactors[q.DatasetID]
		if r == nil {
			var err error
			if r, err = s.shownIn(ctx, q.DatasetID); err != nil {
				return err
			}
			redactors[q.DatasetID] = r
		}
		q.Record, q.Reason = json.RawMessage(r.Record(q.Record)), r.String(q.Reason)
	}
	return nil
}
