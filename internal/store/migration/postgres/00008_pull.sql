-- Where the next run of a source begins, if it goes on from run to run; '': at the beginning.

-- +goose Up
ALTER TABLE source ADD COLUMN resume TEXT NOT NULL DEFAULT '';

-- When a call was last made, for calls that must not be made too often. It stands for an endpoint and its parameters.
CREATE TABLE pull (
    credential_id TEXT NOT NULL REFERENCES credential ON DELETE CASCADE,
    call          TEXT NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (credential_id, call)
);
