package service

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
)

const (
	settleBytes = 4 << 20 // what leaves quarantine in one transaction
	maxNumbers  = 1000    // that one call may name
)

// settling is a way in which records leave quarantine.
type settling struct {
	actor  sallyport.Actor
	action string
	check  func(q sallyport.Quarantined) error // refuses all of them, before anything is done
	do     func(tx *store.Tx, flow sallyport.Flow, records []sallyport.Quarantined) error
}

// chosen is which records of one flow leave quarantine.
type chosen struct {
	flow        sallyport.Flow
	destination sallyport.ID // only what this one rejected
	ids         []int64      // in order; nil: all
	last        int64        // none above this number
}

// quarantineReader is the store, or a transaction.
type quarantineReader interface {
	Quarantined(ctx context.Context, id int64) (sallyport.Quarantined, error)
	QuarantineAfter(ctx context.Context, datasetID, destinationID sallyport.ID, after, maxBytes int64) ([]sallyport.Quarantined, error)
}

// settle lets records leave quarantine, in transactions of bounded size. What comes into quarantine meanwhile stays.
func (s *Service) settle(ctx context.Context, w settling, which Selection) ([]Settled, error) {
	all, err := s.choose(ctx, which)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.checkChosen(ctx, w, &all[i]); err != nil {
			return nil, err
		}
	}
	settled := []Settled{}
	for _, c := range all {
		done, err := s.settleFlow(ctx, w, c)
		if err != nil {
			return settled, err
		}
		settled = append(settled, done)
	}
	return settled, nil
}

// choose finds what a selection means, by flow.
func (s *Service) choose(ctx context.Context, which Selection) ([]chosen, error) {
	var of *chosen
	if which.Flow != "" {
		flow, err := s.Flow(ctx, which.Flow)
		if err != nil {
			return nil, err
		}
		of = &chosen{flow: flow}
		if of.destination, err = destinationOf(flow, which.Destination); err != nil {
			return nil, err
		}
	}
	switch {
	case len(which.IDs) > maxNumbers:
		return nil, sallyport.Errorf(sallyport.Invalid, "these are more than %d numbers; name the flow instead", maxNumbers)
	case len(which.IDs) > 0:
		return s.chooseIDs(ctx, of, slices.Compact(slices.Sorted(slices.Values(which.IDs))))
	case of == nil:
		return nil, sallyport.Errorf(sallyport.Invalid, "name a flow, or the numbers of the records")
	}
	return []chosen{*of}, nil
}

// chooseIDs finds the flows of records by their numbers. If a flow is given, they must be of that.
func (s *Service) chooseIDs(ctx context.Context, of *chosen, ids []int64) (all []chosen, err error) {
	for _, id := range ids {
		q, err := s.Store.Quarantined(ctx, id)
		if err != nil {
			return nil, err
		}
		if of != nil && (q.DatasetID != of.flow.Dataset.ID || of.destination != "" && q.DestinationID != of.destination) {
			return nil, sallyport.Errorf(sallyport.NotFound, "record %d is not in quarantine of flow %q, or not of that destination", id, of.flow.Name)
		}
		at := slices.IndexFunc(all, func(c chosen) bool { return c.flow.Dataset.ID == q.DatasetID })
		if at < 0 {
			flow, err := flowOfDataset(ctx, s.Store, q.DatasetID)
			if err != nil {
				return nil, err
			}
			at, all = len(all), append(all, chosen{flow: flow})
		}
		all[at].ids = append(all[at].ids, id)
	}
	return all, nil
}

// destinationOf finds a destination of a flow by its name; "" is none.
func destinationOf(flow sallyport.Flow, name string) (sallyport.ID, error) {
	if name == "" {
		return "", nil
	}
	var names []string
	for _, d := range flow.Destinations {
		if strings.EqualFold(d.Name, name) {
			return d.ID, nil
		}
		names = append(names, d.Name)
	}
	unknown := sallyport.Unknown("", "destination", name, names)
	unknown.Code = sallyport.NotFound
	return "", unknown
}

// next reads some of what was chosen, above a number, in order.
func (c chosen) next(ctx context.Context, from quarantineReader, after int64) (some []sallyport.Quarantined, err error) {
	if c.ids == nil {
		some, err = from.QuarantineAfter(ctx, c.flow.Dataset.ID, c.destination, after, settleBytes)
		late := slices.IndexFunc(some, func(q sallyport.Quarantined) bool { return c.last != 0 && q.ID > c.last })
		if late >= 0 {
			some = some[:late]
		}
		return some, err
	}
	bytes := 0
	for _, id := range c.ids {
		if id <= after {
			continue
		}
		q, err := from.Quarantined(ctx, id)
		if err != nil {
			return nil, err
		}
		if bytes += len(q.Record); bytes > settleBytes && len(some) > 0 {
			break
		}
		some = append(some, q)
	}
	return some, nil
}

// checkChosen checks all that was chosen, and fixes where it ends.
func (s *Service) checkChosen(ctx context.Context, w settling, c *chosen) error {
	after := int64(0)
	for {
		some, err := c.next(ctx, s.Store, after)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			c.last = after
			return nil
		}
		for _, q := range some {
			if err := w.check(q); err != nil {
				return err
			}
			after = q.ID
		}
	}
}

// settleFlow lets what was chosen of one flow leave quarantine.
func (s *Service) settleFlow(ctx context.Context, w settling, c chosen) (Settled, error) {
	done := Settled{FlowID: c.flow.ID, Flow: c.flow.Name}
	for _, d := range c.flow.Destinations {
		done.Rejected += d.Rejected
	}
	for after := int64(0); after < c.last; {
		err := s.Store.InTx(ctx, func(tx *store.Tx) error {
			some, err := c.next(ctx, tx, after)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				after = c.last
				return nil
			}
			if err := s.settleSome(ctx, tx, w, c.flow, some); err != nil {
				return err
			}
			after = some[len(some)-1].ID
			done.count(some)
			return nil
		})
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (s *Service) settleSome(ctx context.Context, tx *store.Tx, w settling, flow sallyport.Flow, some []sallyport.Quarantined) error {
	for _, q := range some {
		if err := w.check(q); err != nil {
			return err
		}
	}
	detail := map[string]string{"name": flow.Name, "records": strconv.Itoa(len(some)), "numbers": numbers(some)}
	if err := tx.InsertAudit(ctx, audit.Entry(w.actor, w.action, flow.ID, detail)); err != nil {
		return err
	}
	return w.do(tx, flow, some)
}

// count adds records that left quarantine.
func (d *Settled) count(some []sallyport.Quarantined) {
	d.Records += int64(len(some))
	for _, q := range some {
		if q.DestinationID != "" {
			d.Rejected--
		}
	}
}
