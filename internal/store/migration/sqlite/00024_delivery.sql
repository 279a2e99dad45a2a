-- What a delivery must know to tell its own history from another one, to wait for a system that is away, and to stop when too much is rejected.
-- The hash of a batch is that of its body while it is staged, and then also of all batches before it. Older batches have none.

-- +goose Up
ALTER TABLE batch ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN hash TEXT NOT NULL DEFAULT ''; -- of its last batch

ALTER TABLE destination ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
ALTER TABLE destination ADD COLUMN reached INTEGER NOT NULL DEFAULT 0; -- the last batch that it ever had in this epoch: what it counts
UPDATE destination SET reached = position;
ALTER TABLE destination ADD COLUMN run_id INTEGER NOT NULL DEFAULT 0; -- whose records the next two count
ALTER TABLE destination ADD COLUMN run_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN run_rejected INTEGER NOT NULL DEFAULT 0;

ALTER TABLE delivery ADD COLUMN code TEXT NOT NULL DEFAULT ''; -- of its error
ALTER TABLE delivery ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0; -- that failed since it last committed
