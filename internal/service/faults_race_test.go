//go:build race

package service_test

// raced tells that the race detector is on, which makes the database ten times slower.
const raced = true
