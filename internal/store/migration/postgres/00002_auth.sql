-- Who may sign in. Passwords and tokens are here only as hashes.

-- +goose Up
CREATE TABLE person (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    name_key   TEXT COLLATE "C" NOT NULL UNIQUE,
    password   TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE session (
    token_hash TEXT PRIMARY KEY,
    data       BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE setup_link (
    token_hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
