-- What is known of the records of a dataset, so that a pull can tell what changed: keys and states, as package changes writes them.

-- +goose Up
ALTER TABLE source ADD COLUMN emit TEXT NOT NULL DEFAULT '';

ALTER TABLE run ADD COLUMN pulled INTEGER NOT NULL DEFAULT 0; -- 1: its source has ended, and what follows from that is left
ALTER TABLE run ADD COLUMN incomplete TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN new_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN changed_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN retired_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN returned_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN vanished_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN unchanged_records INTEGER NOT NULL DEFAULT 0;

CREATE TABLE change_index (
    dataset_id  TEXT PRIMARY KEY REFERENCES dataset ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    seed        BLOB NOT NULL,
    generation  INTEGER NOT NULL -- of the parts that count
) STRICT;

-- Later parts are stronger than earlier ones.
CREATE TABLE change_part (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id TEXT NOT NULL REFERENCES change_index ON DELETE CASCADE,
    generation INTEGER NOT NULL, -- another one than that of the index: staged; negative: of a page that is being read
    run_id     INTEGER NOT NULL, -- 0: a part of the index as a whole
    kept       INTEGER NOT NULL, -- 1: entries; 0: keys that the run saw, which end with it
    body       BLOB NOT NULL
) STRICT;
CREATE INDEX change_part_dataset ON change_part (dataset_id, generation, id);
