package service

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// params checks the parameters of an endpoint, and what they name: files become absolute, and must not be those of the program itself;
// the flow whose dataset is read must be there.
func (r resolver) params(ctx context.Context, e *connector.Endpoint, given map[string]any) (map[string]any, error) {
	params, err := e.CheckParams(given)
	if err == nil {
		err = r.permits(e, params)
	}
	if err == nil {
		err = r.paths(ctx, e.Params, params, sallyport.FileRead)
	}
	if err != nil || e.Each == nil {
		return params, err
	}
	if flow, ok := params[connector.ParamDataset].(string); ok {
		if _, err := r.tx.FlowByName(ctx, flow); err != nil {
			return nil, field(connector.ParamDataset, err)
		}
	}
	if age, ok := params[connector.ParamMaxAge].(string); ok {
		if _, err := sallyport.ParseDuration(age); err != nil {
			return nil, sallyport.FieldErrorf(connector.ParamMaxAge, "%w", err)
		}
	}
	return params, nil
}
