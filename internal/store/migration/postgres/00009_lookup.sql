-- Answers about single values, kept so that the same is not asked twice. An id stands for the system, the call and the value.

-- +goose Up
CREATE TABLE lookup (
    id         TEXT COLLATE "C" PRIMARY KEY,
    state      TEXT NOT NULL,
    at         BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    records    BYTEA NOT NULL
);
CREATE INDEX lookup_expires ON lookup (expires_at);
