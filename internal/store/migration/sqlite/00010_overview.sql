-- What the pages show: who added a credential, what a test of a draft's source showed, and what ran of late.

-- +goose Up
ALTER TABLE credential ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE draft ADD COLUMN sample TEXT NOT NULL DEFAULT 'null';
CREATE INDEX run_created ON run (created_at);
