package rest

import (
	"encoding/json"
	"errors"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/partition"
)

// OpenSplit opens an endpoint whose query is asked in parts where the answer would be cut off.
func OpenSplit(c Config) (connector.Source, error) {
	source, err := Open(c)
	if err != nil {
		return nil, err
	}
	return split(c, source)
}

func split(c Config, source *Source) (connector.Source, error) {
	spec := c.Endpoint.Split
	given, err := c.Endpoint.CheckParams(c.Params) // a flow may have been applied before a parameter had a default
	if err != nil {
		return nil, err
	}
	query, _ := given[spec.Query].(string)
	number, _ := given[spec.Limit].(json.Number)
	most, err := number.Int64()
	if err != nil {
		return nil, sallyport.FieldErrorf("params."+spec.Limit, "must be a whole number")
	}
	field, _ := given[connector.ParamDateField].(string)
	parted, err := partition.New(partition.Config{
		Query: query, Limit: most, By: spec.By, DateField: field, Dates: spec.Dates, Whole: given[connector.ParamSplit] == false,
		Ask:  func(query string) (connector.Source, error) { return source.with(c, spec.Query, query) },
		Done: source.gate.closeIdle,
	})
	if fault, ok := errors.AsType[*sallyport.Error](err); ok {
		fault.Field = "params." + spec.Query
	}
	return parted, err
}
