package store

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

// Audit returns the newest audit entries, newest first: at most limit of them, with ids under before if that is not 0.
func (r reader) Audit(ctx context.Context, object sallyport.ID, action string, limit int, before int64) ([]sallyport.AuditEntry, error) {
	clause, args := newest("audit", limit, before, equal{"object", string(object)}, equal{"action", action})
	return list(ctx, r.q, scanAudit, "SELECT id, at, actor_kind, actor_name, action, object, detail FROM audit"+clause, args...)
}

func scanAudit(r row) (e sallyport.AuditEntry, err error) {
	err = r.Scan(&e.ID, timeColumn{&e.At}, &e.Actor.Kind, &e.Actor.Name, &e.Action, &e.Object, jsonColumn{&e.Detail})
	return e, err
}

// InsertAudit adds an audit entry; the database gives it its ID.
func (tx *Tx) InsertAudit(ctx context.Context, e sallyport.AuditEntry) error {
	detail, err := asJSON(e.Detail)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO audit (at, actor_kind, actor_name, action, object, detail) VALUES ($1, $2, $3, $4, $5, $6)",
		micros(e.At), e.Actor.Kind, e.Actor.Name, e.Action, e.Object, detail)
	return err
}
