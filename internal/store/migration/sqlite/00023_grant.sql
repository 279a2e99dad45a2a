-- Files outside files.roots that a flow may use. The mark proves that the program itself wrote a row.

-- +goose Up
CREATE TABLE file_grant (
    flow_id    TEXT NOT NULL REFERENCES flow ON DELETE CASCADE,
    path       TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    place      TEXT NOT NULL,
    real_path  TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    mark       BLOB NOT NULL,
    PRIMARY KEY (flow_id, path, purpose)
) STRICT;
