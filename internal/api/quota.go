package api

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/service"
)

// usage is where a credential is used, and what is left of its quota.
type usage struct {
	UsedBy     []string       `json:"used_by" doc:"Flows, by name"`
	LastUsedAt time.Time      `json:"last_used_at,omitzero"`
	Quota      []quota.Window `json:"quota" doc:"Of each window of which something is known"`
}

func (s *server) getUsageOf(ctx context.Context, in *One) (*With[usage], error) {
	c, err := s.Service.Credential(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	windows, err := s.Service.Quota(ctx, string(c.ID))
	return answer(usage{append([]string{}, c.UsedBy...), c.LastUsedAt, append([]quota.Window{}, windows...)}, err)
}

// budget is what a person says about a quota. What is absent stays as it is.
type budget struct {
	Plan    string  `json:"plan,omitempty" doc:"A plan of the connector, such as free: what it is known to allow"`
	Second  *int64  `json:"second,omitempty" minimum:"0" maximum:"1000000000000" doc:"Calls a second; 0: as the system says"`
	Day     *int64  `json:"day,omitempty" minimum:"0" maximum:"1000000000000"`
	Month   *int64  `json:"month,omitempty" minimum:"0" maximum:"1000000000000"`
	Reserve *string `json:"reserve,omitempty" doc:"What runs leave to people: a number of calls such as 20, or a percentage such as 10%; empty: nothing"`
}

func (s *server) setQuota(ctx context.Context, in *struct {
	One
	With[budget]
}) (*With[usage], error) {
	change := service.QuotaChange{Plan: in.Body.Plan, Limits: map[string]int64{}}
	for window, limit := range map[string]*int64{
		sallyport.WindowSecond: in.Body.Second, sallyport.WindowDay: in.Body.Day, sallyport.WindowMonth: in.Body.Month,
	} {
		if limit != nil {
			change.Limits[window] = *limit
		}
	}
	if in.Body.Reserve != nil {
		change.Reserve = new(sallyport.Reserve)
		if text := *in.Body.Reserve; text != "" {
			reserve, err := sallyport.ParseReserve(text)
			if err != nil {
				return nil, sallyport.FieldErrorf("reserve", "%w", err)
			}
			*change.Reserve = reserve
		}
	}
	if err := s.Service.SetQuota(ctx, actorOf(ctx), in.ID, change); err != nil {
		return nil, err
	}
	return s.getUsageOf(ctx, &in.One)
}
