package store

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

const selectDestinations = `SELECT destination.id, destination.flow_id, destination.name, destination.connector,
	COALESCE(destination.credential_id, ''), destination.config, destination.position, destination.state, destination.fence,
	destination.records, destination.rejected, destination.error, destination.epoch, destination.reached,
	destination.run_id, destination.run_records, destination.run_rejected, destination.due, COALESCE(waiting.wait_until, 0), COALESCE(waiting.error, '')
	FROM destination LEFT JOIN delivery AS waiting ON waiting.destination_id = destination.id AND waiting.state = 'waiting'`

func scanDestination(r row) (d sallyport.Destination, err error) {
	err = r.Scan(&d.ID, &d.FlowID, &d.Name, &d.Connector, &d.Credential, jsonColumn{&d.Config}, &d.Position, &d.State, &d.Fence,
		&d.Records, &d.Rejected, &d.Error, &d.Epoch, &d.Reached, &d.Tally.RunID, &d.Tally.Records, &d.Tally.Rejected, &d.Due,
		timeColumn{&d.WaitUntil}, &d.WaitsFor)
	return d, err
}

// Destination returns a destination by its id.
func (r reader) Destination(ctx context.Context, id sallyport.ID) (sallyport.Destination, error) {
	return one(ctx, r.q, notFound("destination", id), scanDestination, selectDestinations+" WHERE destination.id = $1", id)
}

// putDestinations adds the destinations of a flow that are new and changes those that are not, in the flow's order.
func (tx *Tx) putDestinations(ctx context.Context, f *sallyport.Flow) error {
	for i := range f.Destinations {
		d := &f.Destinations[i]
		d.FlowID = f.ID
		config, err := asJSON(d.Config)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO destination (id, flow_id, ordinal, name, connector, credential_id, config, position, state,
			records, rejected, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (id) DO UPDATE SET ordinal = excluded.ordinal, name = excluded.name, connector = excluded.connector,
			credential_id = excluded.credential_id, config = excluded.config`,
			d.ID, d.FlowID, i, d.Name, d.Connector, orNull(d.Credential), config, d.Position, d.State,
			d.Records, d.Rejected, readable(d.Error))
		if err != nil {
			return credentialGone(err, f.Name, d.Credential)
		}
	}
	return nil
}

// rewindDestinations puts the destinations that a flow has at the beginning there, and fences off the deliveries under way.
func (tx *Tx) rewindDestinations(ctx context.Context, f *sallyport.Flow) error {
	for _, d := range f.Destinations {
		if d.Position != 0 || d.State != "" {
			continue
		}
		_, err := tx.exec(ctx, `UPDATE destination SET position = 0, state = '', reached = 0, records = 0, rejected = 0, run_id = 0, run_records = 0,
			run_rejected = 0, error = '', fence = fence + 1
			WHERE id = $1`, d.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// dropDestinations removes the destinations that a flow has no more.
func (tx *Tx) dropDestinations(ctx context.Context, f *sallyport.Flow) error {
	keep := map[sallyport.ID]bool{}
	for _, d := range f.Destinations {
		keep[d.ID] = true
	}
	ids, err := list(ctx, tx.q, single[sallyport.ID], "SELECT id FROM destination WHERE flow_id = $1", f.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if keep[id] {
			continue
		}
		if _, err := tx.exec(ctx, "DELETE FROM destination WHERE id = $1", id); err != nil {
			return err
		}
	}
	return nil
}

// SetDue asks for a delivery to every destination of a flow, and forgets that earlier ones failed. A destination is due until a delivery to it
// ends: see [Tx.FinishDelivery].
func (tx *Tx) SetDue(ctx context.Context, flowID sallyport.ID) error {
	_, err := tx.exec(ctx, "UPDATE destination SET error = '', due = $1 WHERE flow_id = $2", true, flowID)
	return err
}

// ClearRefusal lets a destination be due whose last delivery failed for its key. It tells whether it did.
func (tx *Tx) ClearRefusal(ctx context.Context, id sallyport.ID) (cleared bool, err error) {
	n, err := tx.exec(ctx, "UPDATE destination SET error = '', due = $1 WHERE id = $2 AND error <> '' AND code = $3", true, id, sallyport.Unauthenticated)
	return n > 0, err
}
