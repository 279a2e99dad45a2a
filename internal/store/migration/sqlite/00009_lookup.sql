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
