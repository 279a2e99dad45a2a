-- Secrets of credentials that were replaced, sealed, until they expire: responses may still repeat them.

-- +goose Up
CREATE TABLE previous_secrets (
    credential_id TEXT NOT NULL REFERENCES credential (id) ON DELETE CASCADE,
    version       BIGINT NOT NULL,
    sealed        BYTEA NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (credential_id, version)
);
CREATE INDEX previous_secrets_expiry ON previous_secrets (expires_at);
