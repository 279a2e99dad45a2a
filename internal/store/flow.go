package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
)

// The tables that a flow's source and dataset are in, joined.
const flowTables = " FROM flow JOIN source ON source.flow_id = flow.id JOIN dataset ON dataset.source_id = source.id"

const (
	sourceColumns = `source.id, source.flow_id, source.connector, COALESCE(source.credential_id, ''), source.endpoint,
		source.params, source.request, source.raw, source.schedule, source.emit, source.confirm, source.vanish_limit, source.next_run_at, source.resume, source.fence`
	datasetColumns = `dataset.id, dataset.source_id, flow.name, dataset.schema, dataset.key_fields,
		dataset.records, dataset.bytes, dataset.last_seq`
	selectFlows = `SELECT flow.id, flow.name, flow.description, flow.state, flow.reason, flow.created_at, flow.updated_at, ` +
		sourceColumns + ", " + datasetColumns + flowTables
)

func sourceTargets(s *sallyport.Source) []any {
	return []any{&s.ID, &s.FlowID, &s.Connector, &s.Credential, &s.Endpoint,
		jsonColumn{&s.Params}, jsonColumn{&s.Request}, &s.Raw, jsonColumn{&s.Schedule}, &s.Emit, &s.Confirm, &s.VanishLimit, timeColumn{&s.NextRunAt}, &s.Resume, &s.Fence}
}

func datasetTargets(d *sallyport.Dataset) []any {
	return []any{&d.ID, &d.SourceID, &d.Name, jsonColumn{&d.Schema}, jsonColumn{&d.Key}, &d.Records, &d.Bytes, &d.LastSeq}
}

func scanDataset(r row) (d sallyport.Dataset, err error) {
	err = r.Scan(datasetTargets(&d)...)
	return d, err
}

func scanFlow(r row) (f sallyport.Flow, err error) {
	flow := []any{&f.ID, &f.Name, &f.Description, &f.State, &f.Reason, timeColumn{&f.CreatedAt}, timeColumn{&f.UpdatedAt}}
	err = r.Scan(slices.Concat(flow, sourceTargets(&f.Source), datasetTargets(&f.Dataset))...)
	return f, err
}

// Flow returns a flow by its id.
func (r reader) Flow(ctx context.Context, id sallyport.ID) (sallyport.Flow, error) {
	return r.flow(ctx, notFound("flow", id), "flow.id = $1", id)
}

// FlowByName returns a flow by its name, ignoring case.
func (r reader) FlowByName(ctx context.Context, name string) (sallyport.Flow, error) {
	f, err := r.flow(ctx, sql.ErrNoRows, "flow.name_key = $1", nameKey(name))
	if errors.Is(err, sql.ErrNoRows) {
		return f, r.noSuchName(ctx, "flow", "flow", name)
	}
	return f, err
}

// FlowOfSource returns the flow that a source belongs to.
func (r reader) FlowOfSource(ctx context.Context, sourceID sallyport.ID) (sallyport.Flow, error) {
	return r.flow(ctx, notFound("source", sourceID), "source.id = $1", sourceID)
}

// Flows returns all flows by name.
func (r reader) Flows(ctx context.Context) ([]sallyport.Flow, error) { return r.flows(ctx, "1 = 1") }

func (r reader) flow(ctx context.Context, missing error, where string, arg any) (sallyport.Flow, error) {
	found, err := r.flows(ctx, where, arg)
	if err != nil {
		return sallyport.Flow{}, err
	}
	if len(found) == 0 {
		return sallyport.Flow{}, missing
	}
	return found[0], nil
}

// flows reads flows in two queries, however many there are. The condition is on the tables flow and source.
func (r reader) flows(ctx context.Context, where string, args ...any) ([]sallyport.Flow, error) {
	found, err := list(ctx, r.q, scanFlow, selectFlows+" WHERE "+where+" ORDER BY flow.name_key", args...)
	if err != nil {
		return nil, err
	}
	destinations, err := list(ctx, r.q, scanDestination, selectDestinations+
		" JOIN flow ON flow.id = destination.flow_id JOIN source ON source.flow_id = flow.id WHERE "+where+
		" ORDER BY destination.ordinal", args...)
	if err != nil {
		return nil, err
	}
	of := map[sallyport.ID][]sallyport.Destination{}
	for _, d := range destinations {
		of[d.FlowID] = append(of[d.FlowID], d)
	}
	for i := range found {
		found[i].Destinations = append([]sallyport.Destination{}, of[found[i].ID]...)
	}
	return found, nil
}

// Dataset returns a dataset by its id.
func (r reader) Dataset(ctx context.Context, id sallyport.ID) (sallyport.Dataset, error) {
	return one(ctx, r.q, notFound("dataset", id), scanDataset, "SELECT "+datasetColumns+flowTables+" WHERE dataset.id = $1", id)
}

// LockDataset returns a dataset as it stays until the transaction ends: nothing else is appended to it before that.
func (tx *Tx) LockDataset(ctx context.Context, id sallyport.ID) (sallyport.Dataset, error) {
	err := tx.execOne(ctx, notFound("dataset", id), "UPDATE dataset SET last_seq = last_seq WHERE id = $1", id)
	if err != nil {
		return sallyport.Dataset{}, err
	}
	return tx.Dataset(ctx, id)
}

// InsertFlow adds a flow with its source, dataset and destinations, whose IDs must be set. Their references to each other it sets itself.
func (tx *Tx) InsertFlow(ctx context.Context, f *sallyport.Flow) error {
	f.Source.FlowID, f.Dataset.SourceID, f.Dataset.Name = f.ID, f.Source.ID, f.Name
	_, err := tx.exec(ctx, `INSERT INTO flow (id, name, name_key, description, state, reason, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		f.ID, f.Name, nameKey(f.Name), f.Description, f.State, readable(f.Reason), micros(f.CreatedAt), micros(f.UpdatedAt))
	if err != nil {
		return nameTaken(err, "flow", f.Name)
	}
	if err := tx.insertSource(ctx, f); err != nil {
		return err
	}
	if err := tx.insertDataset(ctx, f.Dataset); err != nil {
		return err
	}
	return tx.putDestinations(ctx, f)
}

func (tx *Tx) insertSource(ctx context.Context, f *sallyport.Flow) error {
	params, request, schedule, err := sourceJSON(f.Source)
	if err != nil {
		return err
	}
	s := f.Source
	_, err = tx.exec(ctx, `INSERT INTO source (id, flow_id, connector, credential_id, endpoint, params, request, raw, schedule, emit, next_run_at,
		confirm, vanish_limit) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.ID, s.FlowID, s.Connector, orNull(s.Credential), s.Endpoint, params, request, s.Raw, schedule, s.Emit, micros(s.NextRunAt),
		s.Confirm, s.VanishLimit)
	return credentialGone(err, f.Name, s.Credential)
}

func (tx *Tx) insertDataset(ctx context.Context, d sallyport.Dataset) error {
	schema, err := asJSON(d.Schema)
	if err != nil {
		return err
	}
	key, err := asJSON(d.Key)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO dataset (id, source_id, schema, key_fields, records, bytes, last_seq)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, d.ID, d.SourceID, schema, key, d.Records, d.Bytes, d.LastSeq)
	return err
}

// UpdateFlow writes the description, the source, the dataset's key and the destinations of the flow with f's ID; the name, the state and
// what runs have made stay as they are. Destinations that f has no more are removed with all that belongs to them. One that f has with
// Position 0 and State "" starts again at the beginning of the dataset, and a delivery that is under way for it can commit no more; any
// other goes on where it is, whatever f says.
func (tx *Tx) UpdateFlow(ctx context.Context, f *sallyport.Flow) error {
	err := tx.execOne(ctx, notFound("flow", f.ID), "UPDATE flow SET description = $1, updated_at = $2 WHERE id = $3",
		f.Description, micros(f.UpdatedAt), f.ID)
	if err != nil {
		return err
	}
	if err := tx.updateSource(ctx, f); err != nil {
		return err
	}
	if err := tx.putDestinations(ctx, f); err != nil {
		return err
	}
	if err := tx.rewindDestinations(ctx, f); err != nil {
		return err
	}
	return tx.dropDestinations(ctx, f)
}

// updateSource writes the source of a flow and the key of its dataset.
func (tx *Tx) updateSource(ctx context.Context, f *sallyport.Flow) error {
	params, request, schedule, err := sourceJSON(f.Source)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE source SET connector = $1, credential_id = $2, endpoint = $3, params = $4, request = $5, schedule = $6,
		next_run_at = $7, raw = $8, emit = $9, confirm = $10, vanish_limit = $11 WHERE flow_id = $12`,
		f.Source.Connector, orNull(f.Source.Credential), f.Source.Endpoint, params, request, schedule, micros(f.Source.NextRunAt),
		f.Source.Raw, f.Source.Emit, f.Source.Confirm, f.Source.VanishLimit, f.ID)
	if err != nil {
		return credentialGone(err, f.Name, f.Source.Credential)
	}
	key, err := asJSON(f.Dataset.Key)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE dataset SET key_fields = $1 WHERE source_id = (SELECT id FROM source WHERE flow_id = $2)", key, f.ID)
	return err
}

// SetNextRun says when a source is due next; the zero time is never.
func (tx *Tx) SetNextRun(ctx context.Context, sourceID sallyport.ID, at time.Time) error {
	return tx.execOne(ctx, notFound("source", sourceID), "UPDATE source SET next_run_at = $1 WHERE id = $2", micros(at), sourceID)
}

// ScheduledFlow is an active flow that has a schedule.
type ScheduledFlow struct {
	Flow, Source sallyport.ID
	Schedule     sallyport.Schedule
	NextRunAt    time.Time
}

// ScheduledFlows returns the active flows that have a schedule, by when they are due.
func (r reader) ScheduledFlows(ctx context.Context) ([]ScheduledFlow, error) {
	scan := func(r row) (f ScheduledFlow, err error) {
		err = r.Scan(&f.Flow, &f.Source, jsonColumn{&f.Schedule}, timeColumn{&f.NextRunAt})
		return f, err
	}
	return list(ctx, r.q, scan, `SELECT flow.id, source.id, source.schedule, source.next_run_at FROM flow JOIN source ON source.flow_id = flow.id
		WHERE source.next_run_at > 0 AND source.schedule <> 'null' AND flow.state = $1 ORDER BY source.next_run_at`, sallyport.FlowActive)
}

// SetFlowState activates or pauses a flow.
func (tx *Tx) SetFlowState(ctx context.Context, id sallyport.ID, state sallyport.FlowState, reason string) error {
	return tx.execOne(ctx, notFound("flow", id), "UPDATE flow SET state = $1, reason = $2, updated_at = $3 WHERE id = $4",
		state, readable(reason), micros(sallyport.Now()), id)
}

// DeleteFlow removes a flow and everything of it: its runs, its records, its quarantine.
func (tx *Tx) DeleteFlow(ctx context.Context, id sallyport.ID) error {
	return tx.execOne(ctx, notFound("flow", id), "DELETE FROM flow WHERE id = $1", id)
}

func sourceJSON(s sallyport.Source) (params, request, schedule string, err error) {
	if params, err = asJSON(s.Params); err != nil {
		return "", "", "", err
	}
	if request, err = asJSON(s.Request); err != nil {
		return "", "", "", err
	}
	schedule, err = asJSON(s.Schedule)
	return params, request, schedule, err
}

// credentialGone turns the failure of a statement into a conflict if the credential it names is not there.
func credentialGone(err error, flow string, id sallyport.ID) error {
	if !isReference(err) {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "the flow %q names a credential that is not there (%s): choose another one", flow, id)
}
