-- What kind of error a destination has: only some end with a new key.

-- +goose Up
ALTER TABLE destination ADD COLUMN code TEXT NOT NULL DEFAULT '';
