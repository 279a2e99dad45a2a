package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testSubmissions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	f := addFlow(t, s, "f", "a", "b")
	a, b := f.Destinations[0].ID, f.Destinations[1].ID
	var fence int64
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		fence, err = tx.ClaimDestination(ctx, a)
		return err
	})
	one := sallyport.Submission{DestinationID: a, Value: "one", Seq: 1, Place: 2, State: sallyport.Submitting, At: at(1)}
	two := sallyport.Submission{DestinationID: a, Value: "two", Seq: 1, Place: 3, State: sallyport.Submitted, Ref: "7", At: at(2)}
	save := func(v sallyport.Submission, fence int64) error { return s.SaveSubmission(ctx, v, fence) }
	for _, v := range []sallyport.Submission{one, two} {
		if err := save(v, fence); err != nil {
			t.Fatal(err)
		}
	}
	one.State, one.Ref = sallyport.Submitted, "8\x00"
	if err := save(one, fence); err != nil {
		t.Fatal(err)
	}
	if err := save(two, fence-1); !errors.Is(err, store.ErrFenced) {
		t.Errorf("an older delivery: %v", err)
	}
	one.Ref = "8\uFFFD"
	one.ID, two.ID = 1, 2
	diff(t, get(s.Submission(ctx, a, "one"))(t), one)
	diff(t, get(s.Submission(ctx, b, "one"))(t), sallyport.Submission{})
	diff(t, get(s.Submissions(ctx, a, sallyport.Submitted, 0))(t), []sallyport.Submission{one, two})
	diff(t, get(s.Submissions(ctx, a, sallyport.Submitted, 1))(t), []sallyport.Submission{two})
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AnswerSubmissions(ctx, []int64{2}) })
	diff(t, get(s.Submissions(ctx, a, sallyport.Submitted, 0))(t), []sallyport.Submission{one})
	for i, want := range []int{1, 2, 0} {
		v := sallyport.Submission{DestinationID: a, Value: "three" + strings.Repeat("!", i%2), Seq: 2, State: sallyport.Unclear, At: at(3 + i)}
		if want == 0 { // one of the two is submitted after all
			v.State = sallyport.Submitted
		}
		if err := save(v, fence); err != nil {
			t.Fatal(err)
		}
		diff(t, get(s.UnclearSubmissions(ctx, a))(t), want)
		diff(t, get(s.UnclearSubmissions(ctx, b))(t), 0)
	}
	if err := s.DropSubmission(ctx, a, "one"); err != nil {
		t.Fatal(err)
	}
	diff(t, get(s.Submission(ctx, a, "one"))(t), sallyport.Submission{})
	if two.State = sallyport.Answered; get(s.Submission(ctx, a, "two"))(t).State != two.State {
		t.Error("an answered submission is forgotten")
	}
}
