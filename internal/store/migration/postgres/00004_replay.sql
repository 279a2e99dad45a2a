-- Records that leave quarantine come into the dataset's log again. Those that one destination had rejected are for that one alone: its
-- batches name it. They are no reference, because a batch outlives it, as it outlives its run: the log has no gaps.

-- +goose Up
ALTER TABLE batch ADD COLUMN destination_id TEXT; -- NULL: for everyone

ALTER TABLE quarantine ADD COLUMN edited_at BIGINT NOT NULL DEFAULT 0;
