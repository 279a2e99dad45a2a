package engine

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/lookup"
	"github.com/sallyport-io/sallyport/internal/dataset"
)

// list finds the list that the parameters of a source name.
func (e *Engine) list(each *connector.Each, params map[string]any, open connector.OpenFiles) lookup.List {
	text := func(name string) string {
		value, _ := params[name].(string)
		return value
	}
	if path := text(connector.ParamFile); path != "" {
		return lookup.File(open, path, text(connector.ParamField))
	}
	if flow := text(connector.ParamDataset); flow != "" {
		return e.datasetList(flow, text(connector.ParamField))
	}
	return lookup.Values(connector.Texts(params[each.List]))
}

// datasetList is a list in the kept records of a flow: those that it had when the list was opened first.
func (e *Engine) datasetList(flow, field string) lookup.List {
	return func(ctx context.Context, mark string) (string, iter.Seq2[string, error], error) {
		f, err := e.Store.FlowByName(ctx, flow)
		if err != nil {
			return "", nil, err
		}
		id, last := f.Dataset.ID, f.Dataset.LastSeq
		if mark != "" {
			was, number, _ := strings.Cut(mark, ":")
			if last, err = strconv.ParseInt(number, 10, 64); err != nil || sallyport.ID(was) != id {
				return "", nil, sallyport.Errorf(sallyport.Conflict,
					"the flow %q was made anew while a run that reads its dataset was unfinished; run this flow again", flow)
			}
		}
		return fmt.Sprintf("%s:%d", id, last), e.fieldOf(ctx, id, last, field), nil
	}
}

// fieldOf yields a field of the records of a dataset, up to a batch.
func (e *Engine) fieldOf(ctx context.Context, id sallyport.ID, last int64, field string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		unpacker, err := dataset.NewUnpacker()
		if err != nil {
			yield("", err)
			return
		}
		defer unpacker.Close()
		members := new(connector.Members)
		for seq := int64(0); seq < last; {
			batches, err := e.Store.Batches(ctx, id, seq, commitBytes)
			if err != nil || len(batches) == 0 {
				if err != nil {
					yield("", storeFault{err})
				}
				return
			}
			for _, b := range batches {
				if seq = b.Seq; seq > last {
					return
				}
				if !fieldOfBatch(unpacker, members, b, field, yield) {
					return
				}
			}
		}
	}
}

// fieldOfBatch yields a field of the records of a batch. It returns false when no more are wanted.
func fieldOfBatch(u *dataset.Unpacker, members *connector.Members, b sallyport.Batch, field string, yield func(string, error) bool) bool {
	records, err := u.Records(b)
	if err != nil {
		yield("", err)
		return false
	}
	for record := range records {
		text, err := lookup.FieldOf(members, record, field)
		if !yield(text, err) || err != nil {
			return false
		}
	}
	return true
}
