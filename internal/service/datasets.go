package service

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/dataset"
)

// readBytes is how much of a dataset is read at once.
const readBytes = 4 << 20

// Datasets lists all datasets by the name of their flow.
func (s *Service) Datasets(ctx context.Context) ([]sallyport.Dataset, error) {
	flows, err := s.Store.Flows(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]sallyport.Dataset, len(flows))
	for i, f := range flows {
		all[i] = f.Dataset
	}
	return all, nil
}

// Dataset finds a dataset by its id, or by the name or id of its flow.
func (s *Service) Dataset(ctx context.Context, name string) (sallyport.Dataset, error) {
	if strings.HasPrefix(name, "set_") {
		if d, err := s.Store.Dataset(ctx, sallyport.ID(name)); sallyport.CodeOf(err) != sallyport.NotFound {
			return d, err
		}
	}
	flow, err := s.Flow(ctx, name)
	return flow.Dataset, err
}

// batches reads the batches of a dataset after a sequence number, oldest first. An error is the last thing it yields.
func (s *Service) batches(ctx context.Context, id sallyport.ID, position int64) iter.Seq2[sallyport.Batch, error] {
	return func(yield func(sallyport.Batch, error) bool) {
		for {
			some, err := s.Store.Batches(ctx, id, position, readBytes)
			if err != nil {
				yield(sallyport.Batch{}, err)
				return
			}
			if len(some) == 0 {
				return
			}
			for _, b := range some {
				position = b.Seq
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

// Records reads the records of a dataset, oldest first, without keys. Each is valid until the next; an error is the last thing it yields.
func (s *Service) Records(ctx context.Context, id sallyport.ID) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		redactor, err := s.shownIn(ctx, id)
		if err != nil {
			yield(nil, err)
			return
		}
		unpacker, err := dataset.NewUnpacker()
		if err != nil {
			yield(nil, err)
			return
		}
		defer unpacker.Close()
		for b, err := range s.batches(ctx, id, 0) {
			if err != nil {
				yield(nil, err)
				return
			}
			records, err := unpacker.Records(b)
			if err != nil {
				yield(nil, err)
				return
			}
			for r := range redacted(redactor, records) {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Sample returns the first records of a dataset, at most n.
func (s *Service) Sample(ctx context.Context, d sallyport.Dataset, n int) ([]json.RawMessage, error) {
	sample := []json.RawMessage{}
	for r, err := range s.Records(ctx, d.ID) {
		if err != nil {
			return nil, err
		}
		if len(sample) == n {
			break
		}
		sample = append(sample, bytes.Clone(r))
	}
	return sample, nil
}
