package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	lookups "github.com/sallyport-io/sallyport/internal/connector/lookup"
)

// maxUnclear is how many calls in a row may come to nothing clear. Beyond that it is not the records: no more of them are put at risk, but
// one with each run.
const maxUnclear = 3

// submitTime bounds one submission, which is not interrupted: an answer that nobody waits for would be lost.
const submitTime = 90 * time.Second

// Journal remembers what was submitted. What is saved must be on the disk when it returns.
type Journal interface {
	// Submission returns the last submission of a value. Its State is "" if there is none.
	Submission(ctx context.Context, value string) (sallyport.Submission, error)
	SaveSubmission(ctx context.Context, s sallyport.Submission) error
	// DropSubmission forgets one that was not made.
	DropSubmission(ctx context.Context, value string) error
	// UnclearSubmissions counts those, up to the last one, of which in a row it is not known what became of them.
	UnclearSubmissions(ctx context.Context) (int, error)
}

// Writer submits the records of a dataset, each by one call that is never made twice: before each call it writes down that it is about to
// make it, and afterwards what came of it. Of a call that a crash cut off nobody knows whether it arrived: its record is rejected, with
// that reason, and not submitted again.
type Writer struct {
	config  Config
	spec    *connector.Submit
	source  *Source
	journal Journal
	members connector.Members
	field   string
	again   time.Duration
}

// OpenWriter opens a destination whose definition says how a record is submitted. Config.Params are its settings, checked.
func OpenWriter(c Config, journal Journal) (*Writer, error) {
	spec := c.Definition.Destination.Submit
	c.Endpoint = &connector.Endpoint{ID: "destination", Params: c.Definition.Destination.Fields, Auth: spec.Auth, Request: spec.Request}
	source, err := Open(c)
	if err != nil {
		return nil, err
	}
	field, _ := c.Params[spec.Field].(string)
	age, _ := c.Params[connector.SettingAgainAfter].(string)
	again, err := sallyport.ParseDuration(age)
	if err != nil {
		return nil, sallyport.FieldErrorf(connector.SettingAgainAfter, "%w", err)
	}
	return &Writer{config: c, spec: spec, source: source, journal: journal, field: field, again: time.Duration(again)}, nil
}

// Write submits the records of a batch that were not submitted yet. An error in its midst loses nothing: the batch may be written again.
func (w *Writer) Write(ctx context.Context, batch connector.Batch) (connector.Result, error) {
	var result connector.Result
	index := 0
	for record := range batch.Records {
		if ctx.Err() != nil {
			return result, context.Cause(ctx)
		}
		reason, err := w.record(ctx, batch, index, record)
		if err != nil {
			return result, err
		}
		if reason != "" {
			result.Rejected = append(result.Rejected, connector.Rejection{Index: index, Reason: reason})
		} else {
			result.Accepted++
		}
		index++
	}
	return result, nil
}

// Commit has nothing to do: the journal knows.
func (w *Writer) Commit(ctx context.Context) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return "", nil
}

// Close lets go of the connections.
func (w *Writer) Close() error {
	w.source.gate.closeIdle()
	return nil
}

// unclear is why a record is rejected of which nobody knows what became.
const unclear = "it is not known whether this was submitted: the call was cut off. Look at the other system before submitting it again"

// record submits a record, unless that was done, and returns why it is rejected.
func (w *Writer) record(ctx context.Context, batch connector.Batch, index int, record []byte) (reason string, err error) {
	value, reason := w.value(record)
	if reason != "" {
		return reason, nil
	}
	last, err := w.journal.Submission(ctx, value)
	if err != nil {
		return "", err
	}
	this := last.Seq == batch.Seq && last.Place == int64(index)
	switch {
	case last.State == "":
	case this && (last.State == sallyport.Submitting || last.State == sallyport.Unclear):
		last.State = sallyport.Unclear
		return unclear, w.journal.SaveSubmission(ctx, last)
	case !this && batch.Replayed && last.State != sallyport.Submitted && last.State != sallyport.Answered: // somebody knows better
	case last.State == sallyport.Refused && (this || time.Since(last.At) < w.again):
		return last.Ref, nil
	case this, time.Since(last.At) < w.again:
		return "", nil
	}
	return w.submit(ctx, sallyport.Submission{Value: value, Seq: batch.Seq, Place: int64(index), State: sallyport.Submitting, At: sallyport.Now()})
}

// value is what of a record is submitted, or why nothing is.
func (w *Writer) value(record []byte) (value, reason string) {
	text, err := lookups.FieldOf(&w.members, record, w.field)
	switch {
	case err != nil:
		return "", err.Error()
	case text == "":
		return "", fmt.Sprintf("it has nothing in the field %s", w.field)
	case w.spec.Kind != connector.KindIndicator:
		return text, ""
	}
	value, why := indicator(text)
	if why != "" {
		return "", fmt.Sprintf("the field %s %s", w.field, why)
	}
	return value, ""
}

// submit makes the call for a value, between two entries in the journal.
func (w *Writer) submit(ctx context.Context, s sallyport.Submission) (reason string, err error) {
	if err := w.journal.SaveSubmission(ctx, s); err != nil {
		return "", err
	}
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTime)
	defer cancel()
	ref, err := w.call(whole, s.Value)
	switch {
	case err == nil:
		s.State, s.Ref = sallyport.Submitted, ref
		return "", w.journal.SaveSubmission(whole, s)
	case !w.refused(err):
		s.State = sallyport.Unclear
		if saved := w.journal.SaveSubmission(whole, s); saved != nil {
			return "", saved
		}
		return w.unclear(whole, err)
	}
	if f, ok := errors.AsType[*connector.Failure](err); ok && refusesValue(f) {
		s.State, s.Ref = sallyport.Refused, f.Error()
		return s.Ref, w.journal.SaveSubmission(whole, s)
	}
	return "", errors.Join(err, w.journal.DropSubmission(whole, s.Value))
}

// unclear is why a record is rejected of whose call, which ended in cause, nobody knows what it did. After several such calls in a row, also
// in earlier executions, it is an error.
func (w *Writer) unclear(ctx context.Context, cause error) (reason string, err error) {
	n, err := w.journal.UnclearSubmissions(ctx)
	if err == nil && n >= maxUnclear {
		err = &connector.Outage{ // each attempt puts one more record into quarantine
			Cause: connector.CausePermanent,
			Err:   fmt.Errorf("of %d submissions in a row it is not known what became of them; the others are made with the next run: %w", n, cause),
		}
	}
	return unclear + " (" + cause.Error() + ")", err
}

// call submits a value and returns the system's reference for it.
func (w *Writer) call(ctx context.Context, value string) (ref string, err error) {
	one, err := w.source.with(w.config, w.spec.Name, value)
	if err != nil {
		return "", err
	}
	for page, err := range one.Pages(ctx, "") {
		if err != nil {
			return "", err
		}
		for record, err := range page.Records {
			if err != nil {
				return "", err
			}
			if ref, err = lookups.FieldOf(&w.members, record, w.spec.Ref); err != nil {
				return "", err
			}
		}
	}
	if ref == "" {
		return "", fmt.Errorf("the answer has no %s", w.spec.Ref)
	}
	return ref, nil
}

// refused tells whether a call that ended in err certainly did nothing: it was not sent, or answered with a refusal.
func (w *Writer) refused(err error) bool {
	f, ok := errors.AsType[*connector.Failure](err)
	if !ok {
		_, ours := errors.AsType[*sallyport.Error](err)
		return ours // it was not sent: a fault of this side
	}
	if cut, ok := errors.AsType[*fault](f.Err); ok {
		return cut.unsent
	}
	switch f.Class {
	case connector.ClassCredential, connector.ClassPlan, connector.ClassRate:
		return true
	}
	return redirects(f) || f.Err == nil && f.Status >= 400 && f.Status < 500 && f.Status != http.StatusRequestTimeout
}

// redirects tells whether a request was sent elsewhere instead of being taken. 303 is said of one that was taken.
func redirects(f *connector.Failure) bool {
	return f.Status/100 == 3 && f.Status != http.StatusSeeOther
}

// refusesValue tells whether a failure is about the value, so that others may be taken.
func refusesValue(f *connector.Failure) bool {
	return f.Class == connector.ClassPermanent && f.Status >= 400 && f.Status < 500 &&
		f.Status != http.StatusNotFound
}
