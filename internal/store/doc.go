// Package store keeps everything that Sallyport knows in one database, SQLite or PostgreSQL, and is the only package that writes SQL.
//
// Reading is done on a [Store] or within a [Tx], with the same methods; writing only within a Tx. A thing that is not there is a
// [sallyport.Error] of code NotFound. Every list is in a fixed order, is never nil, and is bounded where it can grow without end.
//
// Secrets reach this package only as [sallyport.Sealed]. Times are kept in microseconds. Numbers within a map of any come back as
// json.Number.
package store
