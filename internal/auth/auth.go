// Package auth says who is asking: it makes the first user, signs people in and out, and keeps their sessions.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
)

// setupLifetime is how long a set-up link can be used.
const setupLifetime = 24 * time.Hour

// hashing bounds how many passwords are hashed at once: each takes 19 MiB.
const hashing = 2

// Config is what authentication works with.
type Config struct {
	Store  *store.Store
	Plain  CheckPlain
	Values Values
	Secure bool   // the pages are reached by https: cookies are sent over nothing else
	Port   uint16 // that the pages are served at; 0: unknown
	Log    *slog.Logger
}

// CheckPlain refuses text that is given in a field and holds a key: what is stored here is shown and audited.
type CheckPlain func(ctx context.Context, field, text string) error

// Values seals secrets of the program itself that are stored in the database, each bound to its name.
type Values interface {
	SealValue(name string, value []byte) ([]byte, error)
	OpenValue(name string, sealed []byte) (value []byte, ok bool)
}

// Auth knows who is asking. Its methods may be called concurrently.
type Auth struct {
	Config
	sessions *scs.SessionManager
	attempts limiter
	devices  limiter // attempts of devices that signed in before, which strangers cannot use up
	live     live
	hashing  chan struct{}
	decoy    string // the hash of no password: a name that nobody has takes as long as one that somebody has
}

// New makes an Auth.
func New(c Config) *Auth {
	return &Auth{Config: c, sessions: newSessions(c), hashing: make(chan struct{}, hashing), decoy: hash(rand.Text())}
}

// SetUpPath makes a link by which the first user is made, once, and returns its path; "" when there is a user already. A link that was made
// before is worth nothing any more.
func (a *Auth) SetUpPath(ctx context.Context) (string, error) {
	has, err := a.Store.HasUsers(ctx)
	if has || err != nil {
		return "", err
	}
	token := strings.ToLower(rand.Text())
	err = a.Store.InTx(ctx, func(tx *store.Tx) error {
		return tx.PutSetupLink(ctx, tokenHash(token), sallyport.Now().Add(setupLifetime))
	})
	return "/setup/" + token, err
}

// Address is where a request comes from, as attempts are limited by it.
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// CheckSetUp fails unless a set-up link can still be used.
func (a *Auth) CheckSetUp(ctx context.Context, token string) error {
	return a.Store.SetupLink(ctx, tokenHash(token), sallyport.Now())
}

// SetUp makes the first user by a set-up link, and signs it in. Errors name the field "name" or "password".
func (a *Auth) SetUp(ctx context.Context, token, name, password string, address string) error {
	if err := a.CheckSetUp(ctx, token); err != nil {
		return err
	}
	name = sallyport.NormalName(name)
	if err := sallyport.CheckName("name", name); err != nil {
		return err
	}
	if err := a.Plain(ctx, "name", name); err != nil {
		return err
	}
	if err := checkPassword(password); err != nil {
		return err
	}
	defer a.occupy()()
	u := sallyport.User{ID: sallyport.NewID("usr"), Name: name, Password: hash(password), CreatedAt: sallyport.Now()}
	err := a.audited(ctx, actorOf(u), audit.AuthSetUp, u.ID, address, func(tx *store.Tx) error {
		if err := tx.UseSetupLink(ctx, tokenHash(token), sallyport.Now()); err != nil {
			return err
		}
		return tx.InsertUser(ctx, u)
	})
	if err != nil {
		return err
	}
	return a.begin(ctx, u)
}

// SignIn begins a session for whoever knows a name and its password. The address is where the request comes from: attempts are limited by it.
func (a *Auth) SignIn(ctx context.Context, name, password, address string) error {
	u, known, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	limit, from := &a.attempts, address
	if device := a.deviceOf(ctx, u); device != "" {
		limit, from = &a.devices, device
	}
	if err := limit.take(from, "attempts to sign in"); err != nil {
		return err
	}
	defer a.occupy()()
	right, err := matches(password, u.Password)
	if err != nil {
		return err
	}
	if !known || !right {
		actor := sallyport.Actor{Kind: "user", Name: u.Name}
		refuse := func(*store.Tx) error { return nil }
		if err := a.audited(ctx, actor, audit.AuthRefused, u.ID, address, refuse); err != nil {
			return err
		}
		return sallyport.Errorf(sallyport.Unauthenticated, "this name and password do not belong together; check both and try again")
	}
	limit.forgive(from)
	err = a.audited(ctx, actorOf(u), audit.AuthSignIn, u.ID, address, func(tx *store.Tx) error {
		return tx.DeleteExpiredSessions(ctx, sallyport.Now())
	})
	if err != nil {
		return err
	}
	return a.begin(ctx, u)
}

// find returns a user, or one without a name whose password nobody knows.
func (a *Auth) find(ctx context.Context, name string) (u sallyport.User, known bool, err error) {
	u, err = a.Store.UserByName(ctx, strings.TrimSpace(name))
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return sallyport.User{Password: a.decoy}, false, nil
	}
	return u, err == nil, err
}

// SignOut ends the session of a request.
func (a *Auth) SignOut(ctx context.Context, address string) error {
	if u, ok := UserOf(ctx); ok {
		err := a.audited(ctx, actorOf(u), audit.AuthSignOut, u.ID, address, func(*store.Tx) error { return nil })
		if err != nil {
			return err
		}
	}
	token := a.sessions.Token(ctx)
	if err := a.sessions.Destroy(ctx); err != nil {
		return err
	}
	a.live.end(token)
	return nil
}

// begin gives the browser a new session.
func (a *Auth) begin(ctx context.Context, u sallyport.User) error {
	before := a.sessions.Token(ctx)
	if err := a.sessions.RenewToken(ctx); err != nil {
		return err
	}
	a.live.end(before)
	a.sessions.Put(ctx, keyUser, string(u.ID))
	return nil
}

// occupy waits for its turn to hash, and returns how to end it.
func (a *Auth) occupy() (release func()) {
	a.hashing <- struct{}{}
	return func() { <-a.hashing }
}

func (a *Auth) audited(ctx context.Context, actor sallyport.Actor, action string, id sallyport.ID, address string, f func(*store.Tx) error) error {
	return a.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAudit(ctx, audit.Entry(actor, action, id, map[string]string{"address": address})); err != nil {
			return err
		}
		return f(tx)
	})
}

// Notify keeps a sentence for the next page that the browser shows.
func (a *Auth) Notify(ctx context.Context, sentence string) { a.sessions.Put(ctx, keyNotice, sentence) }

// TakeNotice returns that sentence, once.
func (a *Auth) TakeNotice(ctx context.Context) string { return a.sessions.PopString(ctx, keyNotice) }

// Sessions gives every request its session, and who is signed in by it.
func (a *Auth) Sessions(next http.Handler) http.Handler {
	return a.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(a.cookieName("device")); err == nil {
			r = r.WithContext(context.WithValue(r.Context(), deviceKey{}, cookie.Value))
		}
		id := a.sessions.GetString(r.Context(), keyUser)
		if id == "" {
			next.ServeHTTP(w, r)
			return
		}
		u, err := a.Store.User(r.Context(), sallyport.ID(id))
		switch {
		case err == nil:
			r = r.WithContext(context.WithValue(r.Context(), userKey{}, u))
		case sallyport.CodeOf(err) != sallyport.NotFound:
			a.sessions.ErrorFunc(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

type userKey struct{}

// UserOf returns who is signed in.
func UserOf(ctx context.Context) (sallyport.User, bool) {
	u, ok := ctx.Value(userKey{}).(sallyport.User)
	return u, ok
}

// ActorOf is the user of a request as whoever acts; it must be signed in.
func ActorOf(ctx context.Context) sallyport.Actor {
	u, _ := UserOf(ctx)
	return actorOf(u)
}

func actorOf(u sallyport.User) sallyport.Actor { return sallyport.Actor{Kind: "user", Name: u.Name} }
