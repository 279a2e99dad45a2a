package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (s *server) datasets() {
	add(s, "GET /datasets", operation{id: "list-datasets", scope: sallyport.ScopeRead, summary: "List datasets"}, s.listDatasets)
	add(s, "GET /datasets/{id}", operation{id: "get-dataset", scope: sallyport.ScopeRead, summary: "Show a dataset"}, s.getDataset)
	add(s, "GET /datasets/{id}/records", operation{
		id: "list-records", scope: sallyport.ScopeRead, summary: "Read the records of a dataset, in the order in which they were kept",
		about: "To go on later with what came meanwhile, keep the position of the last page.",
	}, s.listRecords)
	add(s, "GET /datasets/{id}/schema", operation{
		id: "get-dataset-schema", scope: sallyport.ScopeRead, summary: "Show the fields of a dataset's records",
	}, s.getSchema)
	add(s, "GET /datasets/{id}/samples", operation{
		id: "list-samples", scope: sallyport.ScopeRead, summary: "Show the first records of a dataset",
	}, s.listSamples)
	add(s, "GET /datasets/{id}/export", operation{
		id: "export-dataset", scope: sallyport.ScopeRead, streams: true, produces: []string{"application/x-ndjson", "text/csv"}, summary: "Read a whole dataset as JSON lines or CSV",
	}, s.exportDataset)
}

func (s *server) listDatasets(ctx context.Context, in *Paging) (*With[page[sallyport.Dataset]], error) {
	all, err := s.Service.Datasets(ctx)
	return answer(cut(all, *in, func(d sallyport.Dataset) string { return d.Name }), err)
}

// OneDataset names a dataset in a path.
type OneDataset struct {
	ID string `path:"id" maxLength:"200" doc:"Its id, or the name or the id of its flow"`
}

func (s *server) getDataset(ctx context.Context, in *OneDataset) (*With[sallyport.Dataset], error) {
	return answer(s.Service.Dataset(ctx, in.ID))
}

// records is a page of records.
type records struct {
	Items    []json.RawMessage `json:"items"`
	Next     string            `json:"next,omitempty" doc:"The after of the page behind this one; absent: there is no more at present"`
	Position string            `json:"position,omitempty" doc:"The after of what comes later; absent: the dataset is empty"`
}

func (s *server) listRecords(ctx context.Context, in *struct {
	OneDataset
	Paging
}) (*With[records], error) {
	d, err := s.Service.Dataset(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.Service.RecordsAfter(ctx, d, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	found := records{Items: p.Records, Position: p.Position}
	if p.More {
		found.Next = p.Position
	}
	return answer(found, nil)
}

func (s *server) getSchema(ctx context.Context, in *OneDataset) (*With[sallyport.Schema], error) {
	d, err := s.Service.Dataset(ctx, in.ID)
	return answer(d.Schema, err)
}

// samples are some records.
type samples struct {
	Items []json.RawMessage `json:"items"`
}

func (s *server) listSamples(ctx context.Context, in *struct {
	OneDataset
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
}) (*With[samples], error) {
	d, err := s.Service.Dataset(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.Service.Sample(ctx, d, in.Limit)
	return answer(samples{found}, err)
}

func (s *server) exportDataset(ctx context.Context, in *struct {
	OneDataset
	Format string `query:"format" enum:"ndjson,csv" default:"ndjson"`
	Guard  bool   `query:"formula_guard" doc:"For csv that a spreadsheet will open: lead texts that it would take for formulas by an apostrophe"`
}) (*huma.StreamResponse, error) {
	d, err := s.Service.Dataset(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		ctx, cancel := context.WithTimeout(c.Context(), maxExport)
		defer cancel()
		c.SetHeader("Content-Type", map[string]string{"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}[in.Format])
		r, w := humago.Unwrap(c)
		if r.Method == http.MethodHead {
			return
		}
		if err := s.Service.Export(ctx, d, service.Exporting{Format: in.Format, FormulaGuard: in.Guard}, patient{w}); err != nil {
			s.Log.WarnContext(ctx, "an export broke off", "dataset", d.Name, "error", err)
			panic(http.ErrAbortHandler) // whoever reads must not take it for the whole
		}
	}}, nil
}
