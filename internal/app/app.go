// Package app wires the program: configuration in, running program out.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/connectors"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/beacon"
	"github.com/sallyport-io/sallyport/internal/config"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/file"
	"github.com/sallyport-io/sallyport/internal/connector/sqltable"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/files"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/store"
	"github.com/sallyport-io/sallyport/internal/vault"
)

// App is the program with its database open.
type App struct {
	Service  *service.Service
	Tokens   *auth.Tokens
	settings config.Settings
	store    *store.Store
	quota    *quota.Quota
	port     atomic.Uint32 // that pages and API are served at; 0: they are not
}

// Catalogue is the catalogue of all connectors that the program has.
func Catalogue() (*connector.Catalogue, error) {
	return connector.NewCatalogue(connectors.FS, map[string]connector.OpenDestination{
		"file":   file.Open,
		"sqlite": sqltable.Open,
	})
}

// Version is the module's version, or "dev" for a build from a working copy.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "dev"
}

// Open opens the data directory, and makes it at the first start. Logs go to stderr; redactor learns the keys of stored credentials.
func Open(ctx context.Context, s config.Settings, stderr io.Writer, redactor *secret.Redactor) (*App, error) {
	passing := redactor.With()
	log, err := obs.NewLogger(stderr, s.Log.Level, s.Log.Format, passing)
	if err != nil {
		return nil, err
	}
	queueLog, err := obs.NewLogger(stderr, max(s.Log.Level, slog.LevelWarn), s.Log.Format, passing)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(s.Database, "sqlite:") {
		return nil, sallyport.FieldErrorf("database", "flows run on SQLite only for now; leave the setting out, or write sqlite:PATH")
	}
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, sallyport.FieldErrorf("data", "the data directory cannot be made: %w", err)
	}
	warnWritable(log, s.Data)
	catalogue, err := Catalogue()
	if err != nil {
		return nil, err
	}
	database, err := store.Open(ctx, s.Database)
	if err != nil {
		return nil, err
	}
	a := &App{settings: s, store: database, quota: quota.New(database, log)}
	if a.Service, err = a.wire(ctx, catalogue, redactor, log, queueLog); err != nil {
		return nil, errors.Join(err, database.Close())
	}
	a.Service.Passing = passing
	a.Tokens = auth.NewTokens(database, a.Service.CheckPlain)
	return a, nil
}

func (a *App) wire(ctx context.Context, catalogue *connector.Catalogue, redactor *secret.Redactor, log, queueLog *slog.Logger) (*service.Service, error) {
	s, database := a.settings, a.store
	keys, err := vault.Open(ctx, s.MasterKey, meta{database}, auditLog{database}, redactor)
	if err != nil {
		return nil, err
	}
	if err := grant.CheckRoots(s.Files.Roots, s.Data); err != nil {
		return nil, err
	}
	policy := &grant.Policy{Roots: s.Files.Roots, Own: files.NewOwn(ownFiles(s)...), Grants: database, Attester: keys}
	work, err := engine.New(ctx, engine.Config{
		Store: database, Vault: keys, Catalogue: catalogue, Quota: a.quota, Egress: a.egress(),
		Files: policy, Redactor: redactor, UserAgent: "sallyport/" + Version(), LockFile: lockFile(s), RejectLimit: s.RejectLimit, Patience: s.Patience, VanishLimit: s.VanishLimit, Confirm: s.Confirm, Log: log, QueueLog: queueLog,
	})
	if err != nil {
		return nil, err
	}
	served := &service.Service{
		Store: database, Vault: keys, Catalogue: catalogue, Engine: work, Files: policy, Redactor: redactor, KeepPrevious: s.Redact.PreviousKeys, Log: log,
	}
	if err := served.GrantExisting(ctx); err != nil {
		return nil, err
	}
	return served, keys.Upgrade(ctx, sallyport.Actor{Kind: "system", Name: "upgrade"}, rows{database})
}

// warnWritable warns about a data directory in which other users can replace files.
func warnWritable(log *slog.Logger, dir string) {
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o022 != 0 {
		log.Warn("other users can write to the data directory, and so replace the database and the master key: run chmod 700 on it",
			"data", dir, "mode", fmt.Sprintf("%04o", info.Mode().Perm()))
	}
}

// HasDatabase reports whether the settings name an existing database, as far as files can tell.
func HasDatabase(s config.Settings) bool {
	path, ok := strings.CutPrefix(s.Database, "sqlite:")
	if !ok {
		return true
	}
	_, err := os.Stat(path)
	return err == nil
}

// egress is what connectors may reach.
func (a *App) egress() egress.Policy {
	_, text, _ := net.SplitHostPort(a.settings.Addr)
	configured, _ := strconv.ParseUint(text, 10, 16) // 0 if the settings leave it open: then the server's beacon tells
	return egress.Policy{
		AllowPrivate: a.settings.Egress.AllowPrivate, AllowLoopback: a.settings.Egress.AllowLoopback,
		Sandbox: func(port uint16) bool { return beacon.Lit(beacon.Sandbox, port) },
		Own: func(port uint16) bool {
			return port == uint16(configured) || port == uint16(a.port.Load()) || beacon.Lit(beacon.Server, port)
		},
	}
}

// ownFiles are the files of the program: its database with everything that lies beside it, the master key and the settings.
func ownFiles(s config.Settings) []string {
	database := strings.TrimPrefix(s.Database, "sqlite:")
	key := strings.TrimPrefix(s.MasterKey, "file:")
	own := []string{database, database + "-wal", database + "-shm", database + "-journal", lockFile(s), key, filepath.Join(s.Data, config.FileName)}
	beside, _ := os.ReadDir(filepath.Dir(database)) // without copies there is nothing to add
	for _, entry := range beside {
		if path := filepath.Join(filepath.Dir(database), entry.Name()); store.IsCopy(database, path) {
			own = append(own, path)
		}
	}
	return own
}

// lockFile lies beside the database, under its real name: whoever works its jobs must find the same one.
func lockFile(s config.Settings) string {
	database := strings.TrimPrefix(s.Database, "sqlite:")
	if real, err := filepath.EvalSymlinks(database); err == nil {
		database = real
	}
	return database + ".lock"
}

// UserToReset finds the user whose password is to be replaced; without a name, the only one.
func (a *App) UserToReset(ctx context.Context, name string) (sallyport.User, error) {
	return auth.UserToReset(ctx, a.store, name)
}

// ResetPassword replaces the password of a user, and ends all sessions of that user.
func (a *App) ResetPassword(ctx context.Context, actor sallyport.Actor, name, password string) error {
	return auth.ResetPassword(ctx, a.store, actor, name, password)
}

// Close gives back what was taken of budgets and not spent, and closes the database.
func (a *App) Close() error { return errors.Join(a.quota.Close(context.Background()), a.store.Close()) }

// meta lets the vault keep its check value in the store.
type meta struct{ *store.Store }

func (m meta) SetMeta(ctx context.Context, key string, value []byte) error {
	return m.InTx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, key, value) })
}

// auditLog lets the vault write to the store's audit log.
type auditLog struct{ store *store.Store }

func (l auditLog) Append(ctx context.Context, entry sallyport.AuditEntry) error {
	return l.store.InTx(ctx, func(tx *store.Tx) error { return tx.InsertAudit(ctx, entry) })
}
