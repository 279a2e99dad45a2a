-- Whether a credential may have a loopback address. Whose a session is: those of before are ended.

-- +goose Up
ALTER TABLE credential ADD COLUMN local BOOLEAN NOT NULL DEFAULT FALSE;
DELETE FROM session;
ALTER TABLE session ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
CREATE INDEX session_by_user ON session (user_id);
