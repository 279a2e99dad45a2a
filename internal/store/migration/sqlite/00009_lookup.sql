-- Answers about single values, kept so that the same is not asked twice. An id stands for the system, the call and the value.

-- +goose Up
CREATE TABLE lookup (
    id         TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    records    BLOB NOT NULL
) STRICT;
CREATE INDEX lookup_expires ON lookup (expires_at);

-- What was submitted to a system that must not be asked twice, written before and after each call. A row in state submitting that nobody
-- works on is one of which nobody knows whether it arrived.
CREATE TABLE submission (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    destination_id TEXT NOT NULL REFERENCES destination ON DELETE CASCADE,
    value_key      TEXT NOT NULL,
    value          TEXT NOT NULL,
    seq            INTEGER NOT NULL,
    place          INTEGER NOT NULL,
    state          TEXT NOT NULL,
    ref            TEXT NOT NULL,
    at             INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX submission_value ON submission (destination_id, value_key);
CREATE INDEX submission_state ON submission (destination_id, state, id);
