-- Whether each record also has its original beside its shape: 1, else 0.

-- +goose Up
ALTER TABLE source ADD COLUMN raw INTEGER NOT NULL DEFAULT 0;
