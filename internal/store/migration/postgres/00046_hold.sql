-- When records have vanished, and pulls that are held until somebody accepts or rejects them.

-- +goose Up
ALTER TABLE source ADD COLUMN confirm BIGINT NOT NULL DEFAULT 0; -- complete pulls that must miss a record; 0: the default
ALTER TABLE source ADD COLUMN vanish_limit TEXT NOT NULL DEFAULT ''; -- such as 50%, or off; '': the default

ALTER TABLE run ADD COLUMN missing_records BIGINT NOT NULL DEFAULT 0; -- that the pull missed, and that have not vanished by that
ALTER TABLE run ADD COLUMN hold TEXT NOT NULL DEFAULT ''; -- pending: its batches are held back; accepted: somebody lets them go
ALTER TABLE run ADD COLUMN held_schema TEXT NOT NULL DEFAULT ''; -- of the dataset, once they are let go

ALTER TABLE batch ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE; -- of a page that is committed, but not delivered before its run lets it go
