-- Times are microseconds since 1970 (0: never), JSON is TEXT. A name_key is its name in lower case: names are unique ignoring case.

-- +goose Up
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE credential (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    name_key     TEXT NOT NULL UNIQUE,
    description  TEXT NOT NULL,
    connector    TEXT NOT NULL,
    public       TEXT NOT NULL,
    secrets      TEXT NOT NULL,
    sealed       BLOB,
    version      INTEGER NOT NULL,
    verdict      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    verdict_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE flow (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE source (
    id            TEXT PRIMARY KEY,
    flow_id       TEXT NOT NULL UNIQUE REFERENCES flow ON DELETE CASCADE,
    connector     TEXT NOT NULL,
    credential_id TEXT REFERENCES credential ON DELETE RESTRICT,
    endpoint      TEXT NOT NULL,
    params        TEXT NOT NULL,
    request       TEXT NOT NULL,
    schedule      TEXT NOT NULL,
    next_run_at   INTEGER NOT NULL,
    fence         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX source_credential ON source (credential_id);
CREATE INDEX source_due ON source (next_run_at);

CREATE TABLE dataset (
    id         TEXT PRIMARY KEY,
    source_id  TEXT NOT NULL UNIQUE REFERENCES source ON DELETE CASCADE,
    schema     TEXT NOT NULL,
    key_fields TEXT NOT NULL,
    records    INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL
) STRICT;

CREATE TABLE destination (
    id            TEXT PRIMARY KEY,
    flow_id       TEXT NOT NULL REFERENCES flow ON DELETE CASCADE,
    ordinal       INTEGER NOT NULL,
    name          TEXT NOT NULL,
    connector     TEXT NOT NULL,
    credential_id TEXT REFERENCES credential ON DELETE RESTRICT,
    config        TEXT NOT NULL,
    position      INTEGER NOT NULL,
    state         TEXT NOT NULL,
    fence         INTEGER NOT NULL DEFAULT 0,
    records       INTEGER NOT NULL,
    rejected      INTEGER NOT NULL,
    error         TEXT NOT NULL
) STRICT;
CREATE INDEX destination_flow ON destination (flow_id, ordinal);
CREATE INDEX destination_credential ON destination (credential_id);

CREATE TABLE run (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    flow_id     TEXT NOT NULL REFERENCES flow ON DELETE CASCADE,
    state       TEXT NOT NULL,
    cursor      TEXT NOT NULL DEFAULT '',
    pages       INTEGER NOT NULL DEFAULT 0,
    records     INTEGER NOT NULL DEFAULT 0,
    bytes       INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    first_seq   INTEGER NOT NULL,
    last_seq    INTEGER NOT NULL,
    wait_until  INTEGER NOT NULL DEFAULT 0,
    code        TEXT NOT NULL DEFAULT '',
    error       TEXT NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    started_at  INTEGER NOT NULL DEFAULT 0,
    ended_at    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_flow ON run (flow_id, id);
CREATE UNIQUE INDEX run_unfinished ON run (flow_id) WHERE state NOT IN ('succeeded', 'failed');

CREATE TABLE delivery (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    flow_id        TEXT NOT NULL REFERENCES flow ON DELETE CASCADE,
    destination_id TEXT NOT NULL REFERENCES destination ON DELETE CASCADE,
    state          TEXT NOT NULL,
    first_seq      INTEGER NOT NULL,
    last_seq       INTEGER NOT NULL,
    records        INTEGER NOT NULL DEFAULT 0,
    rejected       INTEGER NOT NULL DEFAULT 0,
    error          TEXT NOT NULL DEFAULT '',
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX delivery_flow ON delivery (flow_id, id);
CREATE INDEX delivery_destination ON delivery (destination_id);
CREATE UNIQUE INDEX delivery_running ON delivery (destination_id) WHERE state = 'running';

-- A batch belongs to its dataset, not to the run that made it: it outlives that. The body comes last, so that reading the rest is cheap.
CREATE TABLE batch (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id TEXT NOT NULL REFERENCES dataset ON DELETE CASCADE,
    run_id     INTEGER NOT NULL,
    seq        INTEGER, -- NULL: staged
    records    INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    body       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX batch_seq ON batch (dataset_id, seq);

CREATE TABLE quarantine (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id     TEXT NOT NULL REFERENCES dataset ON DELETE CASCADE,
    run_id         INTEGER NOT NULL,
    destination_id TEXT REFERENCES destination ON DELETE CASCADE,
    reason         TEXT NOT NULL,
    at             INTEGER NOT NULL,
    record         BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_dataset ON quarantine (dataset_id, id);
CREATE INDEX quarantine_destination ON quarantine (destination_id);

-- What happened stays, whatever becomes of the things it is about: no references.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action     TEXT NOT NULL,
    object     TEXT NOT NULL,
    detail     TEXT NOT NULL
) STRICT;
