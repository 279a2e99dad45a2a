-- Whether a credential may have a loopback address: 1, else 0. Whose a session is: those of before are ended.

-- +goose Up
ALTER TABLE credential ADD COLUMN local INTEGER NOT NULL DEFAULT 0;
DELETE FROM session;
ALTER TABLE session ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
CREATE INDEX session_by_user ON session (user_id);
