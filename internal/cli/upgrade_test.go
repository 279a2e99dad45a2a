package cli_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const (
	oldSchema = 14    // before grants, and before seals bound all that decides where a key goes
	oldKeys   = 1_000 // ten transactions of new seals
)

// part appends a text with its length before it.
func part(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// oldSeal seals the key of a credential of version 1 as a program of that time did, bound to its id, connector and address only.
func oldSeal(t *testing.T, master tink.AEAD, number uint32, id, address, key string) []byte {
	t.Helper()
	binding := binary.BigEndian.AppendUint64(part(part(part(nil, id), "rest"), address), 1)
	header := binary.BigEndian.AppendUint32([]byte{1}, number)
	dataKey := make([]byte, 32)
	rand.Read(dataKey)
	wrapped, err := master.Encrypt(dataKey, slices.Concat(header, binding))
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm.Seal(part(header, string(wrapped)), nil, part(part(nil, "value"), key), binding)
}

// oldHome is a home with a data directory as a program of that time left it: credentials, and a flow that writes a file anywhere.
func oldHome(t *testing.T) home {
	t.Helper()
	h := newHome(t)
	data := filepath.Join(h.dir, "data")
	text, err := os.ReadFile("../vault/testdata/keyset.json")
	if err == nil {
		err = os.Mkdir(data, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(data, "master.key"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	master, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	check, err := master.Encrypt([]byte("this database belongs to this master key"), []byte("master_key_check"))
	if err != nil {
		t.Fatal(err)
	}
	db := h.database()
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("../store/migration/sqlite"), goose.WithDisableGlobalRegistry(true))
	if err == nil {
		_, err = provider.UpTo(t.Context(), oldSchema)
	}
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	insert := func(statement string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	insert("INSERT INTO meta VALUES ('master_key_check', ?)", check)
	for i := range oldKeys {
		id, address := fmt.Sprintf("crd_%026d", i), "https://api.example.com"
		if i == 0 {
			address = "http://127.0.0.1:1"
		}
		insert(`INSERT INTO credential (id, name, name_key, description, connector, public, secrets, sealed, version, verdict, reason, verdict_at, last_used_at, created_at, updated_at)
			VALUES (?1, ?2, ?2, '', 'rest', ?3, '{}', ?4, 1, 'unknown', '', 0, 0, 1, 1)`, id, fmt.Sprintf("old-%d", i), fmt.Sprintf(`{"address":%q,"auth":"query","name":"key"}`, address), oldSeal(t, master, handle.KeysetInfo().PrimaryKeyId, id, address, canary))
	}
	insert("INSERT INTO flow VALUES ('flw_one', 'one', 'one', '', 'active', '', 1, 1)")
	insert(`INSERT INTO source (id, flow_id, connector, credential_id, endpoint, params, request, schedule, next_run_at)
		VALUES ('src_one', 'flw_one', 'rest', ?, '', 'null', '{"method":"GET","url":"/","records":"$[*]","paging":{"type":"single"}}', 'null', 0)`, fmt.Sprintf("crd_%026d", 0))
	insert(`INSERT INTO dataset (id, source_id, schema, key_fields, records, bytes, last_seq) VALUES ('set_one', 'src_one', '{"fields":[]}', 'null', 0, 0, 0)`)
	insert(`INSERT INTO destination (id, flow_id, ordinal, name, connector, config, position, state, records, rejected, error)
		VALUES ('dst_one', 'flw_one', 0, 'lines', 'file', ?, 0, '', 0, 0, '')`, fmt.Sprintf(`{"format":"ndjson","path":%q}`, h.anywhere()))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return h
}

// anywhere is a file outside files.roots.
func (h home) anywhere() string { return filepath.Join(h.dir, "anywhere", "out.ndjson") }

func (h home) database() *sql.DB {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "data", "sallyport.db")+"?_busy_timeout=10000&_journal_mode=WAL")
	if err != nil {
		h.Fatal(err)
	}
	return db
}

// one reads a number.
func (h home) one(db *sql.DB, query string) (n int) {
	h.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n
}

const newSeals = "SELECT count(*) FROM credential WHERE substr(sealed, 1, 1) = x'02'"

// upgraded wants everything of an old data directory to work as before, after one start or several.
func (h home) upgraded() {
	h.Helper()
	if says := h.run("", "keys", "verify"); !strings.Contains(says, "opens 1,000 of 1,000 credentials") {
		h.Errorf("keys verify: %s", says)
	}
	var flow struct {
		Grants []struct{ Path string } `json:"grants"`
	}
	shown := h.run("", "--output", "json", "flow", "show", "one")
	if err := json.Unmarshal([]byte(shown), &flow); err != nil || !strings.Contains(h.run("", "flow", "show", "one"), h.anywhere()+"  write") {
		h.Errorf("the file of the flow is not granted: %v\n%s", err, shown)
	}
	db := h.database()
	defer db.Close()
	for query, want := range map[string]int{
		newSeals: oldKeys,
		"SELECT count(*) FROM credential WHERE local":                       1,
		"SELECT count(*) FROM file_grant":                                   1,
		"SELECT count(*) FROM audit WHERE action = 'keys.reseal'":           1,
		"SELECT count(*) FROM audit WHERE action = 'file.grant'":            1,
		"SELECT count(*) FROM credential WHERE verdict = 'needs_secret'":    0,
		"SELECT count(*) FROM flow WHERE state = 'active' AND name = 'one'": 1,
	} {
		if n := h.one(db, query); n != want {
			h.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	if copies, err := filepath.Glob(filepath.Join(h.dir, "data", "sallyport.db.before-format-*")); err != nil || len(copies) != 1 {
		h.Errorf("copies of the old database: %v, %v", copies, err)
	}
}

// TestUpgradeOfAnOldDataDirectory: the first start seals all keys anew, grants the files that flows use, and says so; the second has nothing
// to do.
func TestUpgradeOfAnOldDataDirectory(t *testing.T) {
	t.Parallel()
	h := oldHome(t)
	for start, want := range []bool{true, false} {
		out, err := h.command("", "flow", "list").CombinedOutput()
		if says := strings.Contains(string(out), "the files that flows use already were granted to them"); err != nil || says != want {
			t.Errorf("start %d: %v\n%s", start+1, err, out)
		}
		if bytes.Contains(out, []byte(canary)) {
			t.Error("the key is shown")
		}
	}
	h.upgraded()
}

// TestKilledWhileKeysAreSealedAnew kills the process between two of the transactions that replace seals. The next start completes it.
func TestKilledWhileKeysAreSealedAnew(t *testing.T) {
	t.Parallel()
	h := oldHome(t)
	within := 0
	for _, after := range []int{100, 500} {
		if n := h.killedAfter(after); n < oldKeys {
			within++
		}
	}
	if within == 0 {
		t.Error("no process was killed in between: the test showed nothing")
	}
	h.upgraded()
}

// killedAfter starts the program, kills it once there are so many new seals, and returns how many there are then.
func (h home) killedAfter(seals int) int {
	h.Helper()
	db := h.database()
	defer db.Close()
	cmd := h.command("", "flow", "list")
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && h.one(db, newSeals) < seals; {
		time.Sleep(100 * time.Microsecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		h.Logf("kill: %v", err) // it has ended
	}
	cmd.Wait() // it was killed
	return h.one(db, newSeals)
}
