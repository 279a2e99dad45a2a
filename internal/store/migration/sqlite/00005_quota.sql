-- What credentials may spend, and what processes have taken of that. No secret is here.

-- +goose Up
CREATE TABLE quota (
    credential_id TEXT NOT NULL REFERENCES credential ON DELETE CASCADE,
    period        TEXT NOT NULL, -- second, day or month
    allowed       INTEGER NOT NULL, -- 0: no limit is known
    origin        TEXT NOT NULL,
    used          INTEGER NOT NULL,
    spent         INTEGER NOT NULL,
    reserve       TEXT NOT NULL,
    began_at      INTEGER NOT NULL,
    refused_until INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (credential_id, period)
) STRICT;

CREATE TABLE quota_portion (
    credential_id TEXT NOT NULL REFERENCES credential ON DELETE CASCADE,
    period        TEXT NOT NULL,
    holder        TEXT NOT NULL, -- a process, by a name that it makes up
    calls         INTEGER NOT NULL,
    wanted        INTEGER NOT NULL,
    turn_at       INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (credential_id, period, holder)
) STRICT;
