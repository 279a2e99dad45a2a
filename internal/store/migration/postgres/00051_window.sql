-- The window of time that a run pulls by itself, without moving the cursor of its flow, in microseconds since 1970; 0: it has none.

-- +goose Up
ALTER TABLE run ADD COLUMN window_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN window_until BIGINT NOT NULL DEFAULT 0;
