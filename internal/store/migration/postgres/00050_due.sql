-- Whether a delivery was asked for and has not ended since: a run does not end before it.

-- +goose Up
ALTER TABLE destination ADD COLUMN due BOOLEAN NOT NULL DEFAULT FALSE;
