package sallyport_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sallyport-io/sallyport"

// layers lists every package from the bottom up: a package imports only packages of lines above its own.
var layers = [][]string{
	{""},
	{"internal/secret", "internal/secret/secrettest", "internal/strictyaml", "internal/files", "internal/events", "internal/beacon", "internal/connector/shape", "internal/connector/instant", "internal/connector/template", "internal/connector/ratelimit", "internal/connector/content", "internal/connector/table", "internal/schedule", "connectors"},
	{"internal/config", "internal/obs", "internal/audit", "internal/egress", "internal/store"},
	{"internal/connector"},
	{"internal/connector/lookup", "internal/connector/partition", "internal/connector/window"},
	{"internal/vault", "internal/connector/resttest", "internal/grant", "internal/quota", "internal/dataset", "internal/changes", "internal/connector/connectortest", "internal/files/filestest", "internal/connector/rest", "internal/connector/file", "internal/connector/sqltable"},
	{"internal/engine", "internal/sandbox"},
	{"internal/service", "internal/auth"},
	{"internal/web", "internal/api"},
	{"internal/app"},
	{"internal/cli", "internal/app/apptest"},
	{"cmd/sallyport"},
}

// forbidden are imports that the layers would allow.
var forbidden = map[string][]string{
	"internal/store":   {"internal/secret"},
	"internal/web":     {"internal/store", "internal/engine", "internal/vault", "internal/egress"},
	"internal/api":     {"internal/store", "internal/engine", "internal/vault", "internal/egress"},
	"internal/cli":     {"internal/store", "internal/engine", "internal/vault", "internal/egress"},
	"internal/sandbox": {"internal/connector", "internal/store", "internal/vault", "internal/egress"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

// TestLayers fails on a package that is not listed, and on an import that runs upwards.
func TestLayers(t *testing.T) {
	rank := map[string]int{}
	for i, layer := range layers {
		for _, name := range layer {
			rank[name] = i
		}
	}
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := local(p.ImportPath)
		seen[name] = true
		if _, ok := rank[name]; !ok {
			t.Errorf("package %q is in no layer: say in this test what it stands on", name)
			continue
		}
		for _, path := range p.Imports {
			if !strings.HasPrefix(path, module) {
				continue
			}
			imported := local(path)
			if rank[imported] >= rank[name] {
				t.Errorf("%q must not import %q: imports point one way", name, imported)
			}
			if slices.Contains(forbidden[name], imported) {
				t.Errorf("%q must not import %q", name, imported)
			}
		}
	}
	for name := range rank {
		if !seen[name] {
			t.Errorf("package %q is listed, but it is not there", name)
		}
	}
}

func local(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

// packages lists the packages of the module with what they import outside of tests.
func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
