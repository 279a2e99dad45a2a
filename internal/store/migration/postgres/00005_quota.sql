-- What credentials may spend, and what processes have taken of that. No secret is here.

-- +goose Up
CREATE TABLE quota (
    credential_id TEXT NOT NULL REFERENCES credential ON DELETE CASCADE,
    period        TEXT NOT NULL, -- second, day or month
    allowed       BIGINT NOT NULL, -- 0: no limit is known
    origin        TEXT NOT NULL,
    used          BIGINT NOT NULL,
    spent         BIGINT NOT NULL,
    reserve       TEXT NOT NULL,
    began_at      BIGINT NOT NULL,
    refused_until BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (credential_id, period)
);

CREATE TABLE quota_portion (
    credential_id TEXT NOT NULL REFERENCES credential ON DELETE CASCADE,
    period        TEXT NOT NULL,
    holder        TEXT NOT NULL, -- a process, by a name that it makes up
    calls         BIGINT NOT NULL,
    wanted        BIGINT NOT NULL,
    turn_at       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (credential_id, period, holder)
);
