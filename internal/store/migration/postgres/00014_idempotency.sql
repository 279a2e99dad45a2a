-- What became of requests that a program may send twice. Keys are here only as hashes.

-- +goose Up
CREATE TABLE idempotency (
    key_hash    TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status      BIGINT NOT NULL,
    location    TEXT NOT NULL,
    body        BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX idempotency_created ON idempotency (created_at);
