# Thin names for plain commands: each can as well be typed.
.PHONY: build test lint demo docs ci

build:
	CGO_ENABLED=0 go build -trimpath ./cmd/sallyport

test:
	go test -race ./...
	go test -run '^TestFaults' ./internal/service

lint:
	test -z "$$(gofmt -l .)"
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...

demo:
	go run ./cmd/sallyport demo

docs:
	go generate ./internal/connector ./internal/api
	go test ./connectors -run TestReadmesAreUpToDate -update
	go run ./cmd/sallyport connector docs --dir docs/connectors

ci:
	bash .ci/run
