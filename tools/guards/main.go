// Command guards removes every guard of the table in turn, and reports those whose removal no test notices.
//
//	go -C tools run ./guards           removes each guard and runs the tests that must fail
//	go -C tools run ./guards NAME…     only these
//	go -C tools run ./guards -check    only checks that the table still fits the code
//
// The checkout is not edited: the go command reads the changed file from elsewhere (its flag -overlay), also in the tests that build the
// program themselves. An unchanged run comes first, because a test that fails anyway proves nothing.
//
//	main.go   what is done for each guard
//	table.go  the guards
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// testTimeout bounds the tests of one guard. A test that hangs without its guard has noticed.
const testTimeout = 3 * time.Minute

// guard is a piece of code that holds a promise, and the tests that must fail without it.
type guard struct {
	name    string
	promise string
	file    string // in the checkout
	find    string // exactly once in the file
	replace string
	pkg     string // whose tests are run,
	run     string // those that this regular expression matches
}

func main() {
	check := flag.Bool("check", false, "only check that every guard is in the code exactly once, and that its tests exist")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := work(ctx, *check, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "guards:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context, check bool, names []string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	root, err := filepath.Abs("..") // tools is a module of its own, whose folder is the working folder
	if err != nil {
		return err
	}
	var outdated []error
	for _, g := range chosen {
		outdated = append(outdated, g.fits(root))
	}
	if err := errors.Join(outdated...); err != nil {
		return fmt.Errorf("the table is out of date:\n%w", err)
	}
	if check {
		fmt.Printf("all %d guards are in the code\n", len(chosen))
		return nil
	}
	scratch, err := os.MkdirTemp("", "guards-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	l := lab{root, scratch}
	if err := l.baseline(ctx, chosen); err != nil {
		return err
	}
	return l.removeAll(ctx, chosen)
}

func choose(names []string) ([]guard, error) {
	if len(names) == 0 {
		return table, nil
	}
	var chosen []guard
	for _, name := range names {
		i := slices.IndexFunc(table, func(g guard) bool { return g.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no guard %q", name)
		}
		chosen = append(chosen, table[i])
	}
	return chosen, nil
}

// fits checks a guard against the code: its text is there exactly once, and its package has tests of that name.
func (g guard) fits(root string) error {
	if _, err := g.removed(root); err != nil {
		return err
	}
	expr, err := regexp.Compile(strings.Split(g.run, "/")[0]) // what follows selects subtests
	if err != nil {
		return fmt.Errorf("%s: %w", g.name, err)
	}
	sources, err := testSources(root, g.pkg)
	if err != nil {
		return err
	}
	for _, source := range sources {
		for _, match := range testNames.FindAllSubmatch(source, -1) {
			if expr.Match(match[1]) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s: ./%s has no test that matches %s", g.name, g.pkg, g.run)
}

// testSources reads the tests of a package.
func testSources(root, pkg string) (all [][]byte, err error) {
	names, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	for _, name := range names {
		source, failed := os.ReadFile(name)
		all, err = append(all, source), errors.Join(err, failed)
	}
	return all, err
}

var testNames = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

// removed is the file without the guard.
func (g guard) removed(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, g.file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.name, err)
	}
	if n := strings.Count(string(source), g.find); n != 1 {
		return nil, fmt.Errorf("%s: this must be in %s exactly once, not %d times:\n%s", g.name, g.file, n, g.find)
	}
	return []byte(strings.Replace(string(source), g.find, g.replace, 1)), nil
}

// lab runs tests of a checkout.
type lab struct {
	root    string // of the checkout
	scratch string
}

// baseline runs all tests of the guards on the code as it is.
func (l lab) baseline(ctx context.Context, guards []guard) error {
	runs := map[string][]string{}
	for _, g := range guards {
		if !slices.Contains(runs[g.pkg], g.run) {
			runs[g.pkg] = append(runs[g.pkg], g.run)
		}
	}
	for pkg, all := range runs {
		if output, err := l.test(ctx, pkg, strings.Join(all, "|"), ""); err != nil {
			return fmt.Errorf("the tests of %s fail without any change:\n%s", pkg, output)
		}
	}
	return ctx.Err()
}

func (l lab) removeAll(ctx context.Context, guards []guard) error {
	var survived []string
	var broken []error
	for _, g := range guards {
		began := time.Now()
		by, err := l.remove(ctx, g)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			broken, by = append(broken, err), "IT COULD NOT BE TRIED"
		case by == "":
			survived, by = append(survived, g.name), "NO TEST FAILS"
		}
		fmt.Printf("%-28s %4.0f s  %s\n", g.name, time.Since(began).Seconds(), by)
	}
	if err := errors.Join(broken...); err != nil {
		return err
	}
	if len(survived) > 0 {
		return fmt.Errorf("%d of %d guards can be removed without a test that fails: %s", len(survived), len(guards), strings.Join(survived, ", "))
	}
	fmt.Printf("a test fails for each of %d guards\n", len(guards))
	return nil
}

// remove runs the tests of a guard without it, and returns the first that fails; "" if none does.
func (l lab) remove(ctx context.Context, g guard) (failed string, err error) {
	overlay, err := l.overlay(g)
	if err != nil {
		return "", err
	}
	output, err := l.test(ctx, g.pkg, g.run, overlay)
	switch {
	case err == nil:
		return "", nil
	case strings.Contains(output, "[build failed]") || strings.Contains(output, "[setup failed]"):
		return "", fmt.Errorf("%s: the code does not build without the guard:\n%s", g.name, output)
	}
	if match := failures.FindStringSubmatch(output); match != nil {
		return match[1], nil
	}
	if strings.Contains(output, "panic: ") || strings.Contains(output, "fatal error: ") {
		return "panic", nil
	}
	return "", fmt.Errorf("%s: the tests could not be run: %w\n%s", g.name, err, output)
}

var failures = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// overlay writes the file without the guard, and the file that tells the go command to read it.
func (l lab) overlay(g guard) (path string, err error) {
	source, err := g.removed(l.root)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(l.scratch, g.name+filepath.Ext(g.file))
	if err := os.WriteFile(changed, source, 0o600); err != nil {
		return "", err
	}
	content, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(l.root, g.file): changed}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(l.scratch, g.name+".json")
	return path, os.WriteFile(path, content, 0o600)
}

// usesRapid reports whether tests of a package are property tests.
func (l lab) usesRapid(pkg string) bool {
	sources, err := testSources(l.root, pkg)
	return err == nil && slices.ContainsFunc(sources, func(s []byte) bool { return bytes.Contains(s, []byte(`"pgregory.net/rapid"`)) })
}

func (l lab) test(ctx context.Context, pkg, run, overlay string) (output string, err error) {
	args := []string{"test", "-count=1", "-vet=off", "-timeout", testTimeout.String(), "-run", run, "./" + pkg}
	if l.usesRapid(pkg) {
		args = append(args, "-rapid.nofailfile") // it would be left in the checkout
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = l.root
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = os.Environ()
	if overlay != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	text, err := cmd.CombinedOutput()
	return string(text), err
}
