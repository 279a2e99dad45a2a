-- How a run waits for a system that is away, and how many pages in a row had no new record.

-- +goose Up
ALTER TABLE run ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0; -- that failed since it last got a page
ALTER TABLE run ADD COLUMN gives_up_at INTEGER NOT NULL DEFAULT 0; -- microseconds; 0: no attempt has failed
ALTER TABLE run ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0; -- a person or a program started it, not its schedule
ALTER TABLE run ADD COLUMN barren INTEGER NOT NULL DEFAULT 0;
