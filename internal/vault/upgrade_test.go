package vault_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

// table is a [vault.Rows] that ends with the test.
type table struct {
	rows     []sallyport.Credential
	begun    []sallyport.AuditEntry
	replaced int
	breaks   int // Replace fails once so many were replaced; 0: never
}

func (t *table) Begin(_ context.Context, e sallyport.AuditEntry) error {
	if t.begun == nil {
		t.begun = append(t.begun, e)
	}
	return nil
}

func (t *table) After(_ context.Context, id sallyport.ID, limit int) (found []sallyport.Credential, _ error) {
	for _, c := range t.rows { // which are in the order of their ids
		if c.ID > id && len(found) < limit {
			found = append(found, c)
		}
	}
	return found, nil
}

func (t *table) Replace(_ context.Context, resealed []sallyport.Credential) error {
	if t.breaks > 0 && t.replaced >= t.breaks {
		return errBroken
	}
	for _, c := range resealed {
		for i := range t.rows {
			if t.rows[i].ID == c.ID {
				t.rows[i] = c
				t.replaced++
			}
		}
	}
	return nil
}

// oldRows are copies of the credential of testdata, as an older release sealed them, each with its own id.
func oldRows(t testing.TB) (*place, *table) {
	p, c := golden(t)
	edited := c
	edited.ID, edited.Public = "crd_0", map[string]string{"address": "https://example.com"}
	empty := c
	empty.ID, empty.Sealed = "crd_2", nil
	return p, &table{rows: []sallyport.Credential{edited, c, empty}}
}

// TestUpgrade seals anew what opens, leaves alone what does not, and refuses the old format from then on.
func TestUpgrade(t *testing.T) {
	p, rows := oldRows(t)
	old := rows.rows[1]
	v := p.mustOpen(t)
	rows.rows[1].Local = true // as the database has it from now on
	if err := v.Upgrade(t.Context(), actor, rows); err != nil {
		t.Fatal(err)
	}
	for i, opens := range []bool{false, true, false} {
		if _, err := v.Open(t.Context(), actor, rows.rows[i]); (err == nil) != opens {
			t.Errorf("row %d: %v", i, err)
		}
	}
	got, err := v.Open(t.Context(), actor, rows.rows[1])
	if err != nil || got["key"].Reveal() != canary {
		t.Errorf("%v", err)
	}
	for name, v := range map[string]interface {
		Check(sallyport.Credential) error
	}{"at once": v, "after a restart": p.mustOpen(t)} {
		if err := v.Check(old); sallyport.CodeOf(err) != sallyport.Unauthenticated {
			t.Errorf("%s, a row of before is put back: %v", name, err)
		}
	}
	if len(rows.begun) != 1 || rows.begun[0].Action != "keys.reseal" {
		t.Errorf("the audit log has %v", rows.begun)
	}
	again := &table{rows: rows.rows}
	if err := p.mustOpen(t).Upgrade(t.Context(), actor, again); err != nil || again.begun != nil {
		t.Errorf("a second start begins again: %v", err)
	}
}

// TestUpgradeIsContinued breaks off after the first part, as a process does that is killed.
func TestUpgradeIsContinued(t *testing.T) {
	p, rows := oldRows(t)
	rows.breaks, rows.replaced = 1, 1
	v := p.mustOpen(t)
	if err := v.Upgrade(t.Context(), actor, rows); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if err := v.Check(rows.rows[1]); err != nil {
		t.Errorf("what was not reached yet: %v", err)
	}
	rows.breaks = 0
	v = p.mustOpen(t)
	if err := v.Upgrade(t.Context(), actor, rows); err != nil {
		t.Fatal(err)
	}
	if err := v.Check(rows.rows[1]); err != nil || rows.rows[1].Sealed[0] != 2 || len(rows.begun) != 1 {
		t.Errorf("%v, format %d, audited %d times", err, rows.rows[1].Sealed[0], len(rows.begun))
	}
}

// TestNoWayBackToTheOldFormat takes away the value that says that the old format is over, or edits it.
func TestNoWayBackToTheOldFormat(t *testing.T) {
	p, rows := oldRows(t)
	old := rows.rows[1]
	if err := p.mustOpen(t).Upgrade(t.Context(), actor, rows); err != nil {
		t.Fatal(err)
	}
	delete(p.meta.values, "master_key_check")
	if err := p.mustOpen(t).Check(old); err == nil {
		t.Error("without its check value the vault accepts the old format again")
	}
	for i := range p.meta.values["master_key_check"] {
		p.meta.values["master_key_check"][i] ^= 1
		if _, err := p.open(t); err == nil {
			t.Errorf("with byte %d of its check value changed the vault opens", i)
		}
		p.meta.values["master_key_check"][i] ^= 1
	}
}

// TestPresentFormatOpens holds a release to what an earlier one sealed in format 2. UPDATE_GOLDEN=1 writes the file.
func TestPresentFormatOpens(t *testing.T) {
	p, c := golden(t)
	c.Local, c.Public = true, map[string]string{"address": "http://127.0.0.1:8421", "auth": "header", "name": "X-Key", "username": ""}
	v := p.mustOpen(t)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		fresh := sealed(t, v, c, map[string]string{"key": canary})
		if err := os.WriteFile("testdata/sealed2.hex", append(hex.AppendEncode(nil, fresh.Sealed), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.Sealed = fromHex(t, "sealed2.hex")
	got, err := v.Open(t.Context(), actor, c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"key": canary}, reveal(got)); diff != "" {
		t.Error(diff)
	}
	if bytes.Equal(c.Sealed, fromHex(t, "sealed.hex")) {
		t.Error("it is the file of the old format")
	}
}
