-- Flows that are being made at the pages, each by its user. The content is what was chosen so far, as JSON; never a secret.

-- +goose Up
CREATE TABLE draft (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    content    TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX draft_user ON draft (user_id, updated_at);
