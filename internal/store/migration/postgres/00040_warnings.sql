-- What is doubtful about a run although it gave everything: one warning a line.

-- +goose Up
ALTER TABLE run ADD COLUMN warnings TEXT NOT NULL DEFAULT '';
