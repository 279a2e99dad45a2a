-- Whether each record also has its original beside its shape.

-- +goose Up
ALTER TABLE source ADD COLUMN raw BOOLEAN NOT NULL DEFAULT FALSE;
