-- Until when a delivery waits for a quota.

-- +goose Up
ALTER TABLE delivery ADD COLUMN wait_until BIGINT NOT NULL DEFAULT 0;
CREATE INDEX delivery_waiting ON delivery (destination_id) WHERE state = 'waiting';
