package auth

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

const right = "correct horse battery"

// door is an Auth with a browser before it. It lives in a synctest bubble, so its time is made up.
type door struct {
	*testing.T
	*Auth
	cookie *http.Cookie
}

func inBubble(t *testing.T, secure bool, test func(d *door)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "sallyport.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		test(&door{T: t, Auth: New(Config{Store: s, Plain: anything, Values: mirror{}, Secure: secure, Log: slog.New(slog.DiscardHandler)})})
	})
}

// request does something in a request with the browser's cookie, and keeps the cookie that it gets.
func (d *door) request(f func(ctx context.Context)) {
	d.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if d.cookie != nil {
		r.AddCookie(d.cookie)
	}
	w := httptest.NewRecorder()
	d.Sessions(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })).ServeHTTP(w, r)
	if cookies := w.Result().Cookies(); len(cookies) > 0 {
		d.cookie = cookies[0]
	}
}

// who is signed in.
func (d *door) who() (name string) {
	d.Helper()
	d.request(func(ctx context.Context) { u, _ := UserOf(ctx); name = u.Name })
	return name
}

func (d *door) setUp() {
	d.Helper()
	path, err := d.SetUpPath(context.Background())
	if err != nil {
		d.Fatal(err)
	}
	d.request(func(ctx context.Context) {
		err = d.SetUp(ctx, strings.TrimPrefix(path, "/setup/"), "Ada", right, "10.0.0.1")
	})
	if err != nil {
		d.Fatal(err)
	}
}

func (d *door) signIn(name, password string) (err error) {
	d.Helper()
	d.request(func(ctx context.Context) { err = d.SignIn(ctx, name, password, "10.0.0.1") })
	return err
}

func (d *door) wantWho(name string) {
	d.Helper()
	if got := d.who(); got != name {
		d.Fatalf("%q is signed in, want %q", got, name)
	}
}

func TestSetUpLink(t *testing.T) {
	inBubble(t, false, func(d *door) {
		ctx := context.Background()
		old, err := d.SetUpPath(ctx)
		if err != nil || !strings.HasPrefix(old, "/setup/") {
			t.Fatal(old, err)
		}
		path, err := d.SetUpPath(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.CheckSetUp(ctx, strings.TrimPrefix(old, "/setup/")); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("an older link: %v", err)
		}
		token := strings.TrimPrefix(path, "/setup/")
		use := func(name, password string) (err error) {
			d.request(func(ctx context.Context) { err = d.SetUp(ctx, token, name, password, "10.0.0.1") })
			return err
		}
		for name, password := range map[string]string{"Ada": "too short", "": right, " Ada": right} {
			if err := use(name, password); sallyport.CodeOf(err) != sallyport.Invalid {
				t.Errorf("%q, %q: %v", name, password, err)
			}
		}
		if err := use("Ada", right); err != nil {
			t.Fatal(err)
		}
		d.wantWho("Ada")
		if err := use("Eve", right); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("the link works twice: %v", err)
		}
		if path, err := d.SetUpPath(ctx); path != "" || err != nil {
			t.Errorf("another link %q, %v where there is a user", path, err)
		}
	})
}

func TestSetUpLinkExpires(t *testing.T) {
	inBubble(t, false, func(d *door) {
		path, err := d.SetUpPath(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(setupLifetime)
		if err := d.CheckSetUp(context.Background(), strings.TrimPrefix(path, "/setup/")); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("after a day: %v", err)
		}
	})
}

func TestSignInAndOut(t *testing.T) {
	inBubble(t, false, func(d *door) {
		d.setUp()
		d.request(func(ctx context.Context) {
			if err := d.SignOut(ctx, "10.0.0.1"); err != nil {
				t.Error(err)
			}
		})
		d.wantWho("")
		for name, password := range map[string]string{"Ada": "wrong", "nobody": right} {
			if err := d.signIn(name, password); sallyport.CodeOf(err) != sallyport.Unauthenticated {
				t.Errorf("%q, %q: %v", name, password, err)
			}
		}
		d.wantWho("")
		if err := d.signIn(" ada", right); err != nil {
			t.Fatal(err)
		}
		d.wantWho("Ada")
		entries, err := d.Store.Audit(context.Background(), "", "", 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Action+" "+e.Detail["address"])
		}
		want := []string{"auth.sign_in 10.0.0.1", "auth.refused 10.0.0.1", "auth.refused 10.0.0.1", "auth.sign_out 10.0.0.1", "auth.setup 10.0.0.1"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSignInIsLimited(t *testing.T) {
	inBubble(t, false, func(d *door) {
		d.setUp()
		for range addressBurst {
			if err := d.signIn("Ada", "wrong"); sallyport.CodeOf(err) != sallyport.Unauthenticated {
				t.Fatal(err)
			}
		}
		if err := d.signIn("Ada", right); sallyport.CodeOf(err) != sallyport.Limited {
			t.Errorf("the right password after many wrong ones: %v", err)
		}
		time.Sleep(addressRefill)
		if err := d.signIn("Ada", right); err != nil {
			t.Error(err)
		}
	})
}

func TestSessionEnds(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		inBubble(t, false, func(d *door) {
			d.setUp()
			time.Sleep(idleTimeout - time.Minute)
			d.wantWho("Ada")
			time.Sleep(idleTimeout - time.Minute)
			d.wantWho("Ada")
			time.Sleep(idleTimeout)
			d.wantWho("")
		})
	})
	t.Run("at last", func(t *testing.T) {
		inBubble(t, false, func(d *door) {
			d.setUp()
			for end := time.Now().Add(lifetime - time.Hour); time.Now().Before(end); time.Sleep(time.Hour) {
				d.wantWho("Ada")
			}
			time.Sleep(2 * time.Hour)
			d.wantWho("")
		})
	})
}

func TestCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		inBubble(t, secure, func(d *door) {
			d.setUp()
			c := d.cookie
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Path != "/" || c.Domain != "" || strings.HasPrefix(c.Name, "__Host-") != secure {
				t.Errorf("secure %v: bad cookie %v", secure, c)
			}
			var stored int
			row := d.Store.SQL().QueryRow("SELECT COUNT(*) FROM session WHERE token_hash = $1 OR CAST(data AS TEXT) LIKE '%' || $1 || '%'", c.Value)
			if err := row.Scan(&stored); err != nil || stored != 0 {
				t.Errorf("the token itself is in the database: %d, %v", stored, err)
			}
		})
	}
}

// TestNewSessionAtSignIn makes sure that a token that somebody planted before is worth nothing after.
func TestNewSessionAtSignIn(t *testing.T) {
	inBubble(t, false, func(d *door) {
		d.request(func(ctx context.Context) { d.Notify(ctx, "planted") })
		planted := d.cookie
		d.setUp()
		if d.cookie.Value == planted.Value {
			t.Error("signing in keeps the token")
		}
		d.cookie = planted
		d.wantWho("")
	})
}

func TestNotice(t *testing.T) {
	inBubble(t, false, func(d *door) {
		d.request(func(ctx context.Context) { d.Notify(ctx, "Done.") })
		for _, want := range []string{"Done.", ""} {
			d.request(func(ctx context.Context) {
				if got := d.TakeNotice(ctx); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	})
}

// attempt tries to sign in from an address with the device cookie of a browser, "" for none.
func (d *door) attempt(address, device, password string) (err error) {
	d.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if device != "" {
		r.AddCookie(&http.Cookie{Name: d.cookieName("device"), Value: device})
	}
	d.Sessions(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		err = d.SignIn(r.Context(), "Ada", password, address)
	})).ServeHTTP(httptest.NewRecorder(), r)
	return err
}

// device is the cookie of a browser in which Ada has signed in.
func (d *door) device() string {
	d.Helper()
	w := httptest.NewRecorder()
	if err := d.RememberDevice(context.Background(), w, "ada"); err != nil {
		d.Fatal(err)
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.Domain != "" || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
		d.Errorf("bad cookie %v", c)
	}
	return c.Value
}

// TestStrangersDoNotLockTheOwnerOut uses up every limit that strangers can, from the owner's own address, too.
func TestStrangersDoNotLockTheOwnerOut(t *testing.T) {
	inBubble(t, false, func(d *door) {
		d.setUp()
		device := d.device()
		for i := range overallBurst + 20 {
			d.attempt(fmt.Sprintf("203.0.113.%d", i), "", "wrong")
			d.attempt("10.0.0.1", "", "wrong")
			d.attempt("10.0.0.1", fmt.Sprintf("AAAA%d.9999999999.AAAA", i), "wrong") // which nobody signed
		}
		if err := d.attempt("10.0.0.1", "", right); sallyport.CodeOf(err) != sallyport.Limited {
			t.Errorf("an unknown device: %v", err)
		}
		if err := d.attempt("10.0.0.1", device, right); err != nil {
			t.Errorf("the owner's device: %v", err)
		}
		for range addressBurst {
			d.attempt("10.0.0.1", device, "wrong")
		}
		if err := d.attempt("10.0.0.1", device, right); sallyport.CodeOf(err) != sallyport.Limited {
			t.Errorf("a known device after many wrong passwords: %v", err)
		}
	})
}

// mirror seals values by turning them around.
type mirror struct{}

func (mirror) SealValue(name string, value []byte) ([]byte, error) {
	sealed := slices.Clone(value)
	slices.Reverse(sealed)
	return append(sealed, name...), nil
}

func (mirror) OpenValue(name string, sealed []byte) (value []byte, ok bool) {
	value, ok = bytes.CutSuffix(sealed, []byte(name))
	value = slices.Clone(value)
	slices.Reverse(value)
	return value, ok
}

// TestDeviceKeyIsSealed: what is in the database makes no cookie. A key that an older program stored in the clear is replaced.
func TestDeviceKeyIsSealed(t *testing.T) {
	inBubble(t, false, func(d *door) {
		ctx := context.Background()
		d.setUp()
		device := d.device()
		u, _, err := d.find(ctx, "Ada")
		if err != nil {
			t.Fatal(err)
		}
		known := func(cookie string) bool { return d.deviceOf(context.WithValue(ctx, deviceKey{}, cookie), u) != "" }
		stored, err := d.Store.Meta(ctx, deviceSecret)
		if err != nil || !known(device) {
			t.Fatal(err)
		}
		forge := func(key []byte) string {
			expires := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
			return "ID." + expires + "." + signDevice(key, u, "ID", expires)
		}
		if known(forge(stored)) {
			t.Error("what is in the database makes a cookie")
		}
		clear := bytes.Repeat([]byte("k"), 32)
		if err := d.Store.InTx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, deviceSecret, clear) }); err != nil {
			t.Fatal(err)
		}
		if known(forge(clear)) || known(device) || !known(d.device()) {
			t.Error("a key in the clear is used, or not replaced")
		}
	})
}

func TestDeviceIsForgotten(t *testing.T) {
	for name, forget := range map[string]func(d *door){
		"after a year": func(*door) { time.Sleep(deviceLifetime) },
		"with another password": func(d *door) {
			if err := ResetPassword(context.Background(), d.Store, sallyport.Actor{Kind: "cli", Name: "ann"}, "", right+" 2"); err != nil {
				d.Fatal(err)
			}
		},
		"for another user": func(d *door) {
			u, err := d.Store.UserByName(context.Background(), "Ada")
			if err != nil {
				d.Fatal(err)
			}
			u.ID, u.Name = "usr_2", "Eve"
			if err := d.Store.InTx(context.Background(), func(tx *store.Tx) error { return tx.InsertUser(context.Background(), u) }); err != nil {
				d.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, false, func(d *door) {
				d.setUp()
				device := d.device()
				who := func(user string) string {
					u, _, err := d.find(context.Background(), user)
					if err != nil {
						t.Fatal(err)
					}
					return d.deviceOf(context.WithValue(context.Background(), deviceKey{}, device), u)
				}
				if who("Ada") == "" {
					t.Fatal("it is not known at once")
				}
				forget(d)
				user := "Ada"
				if name == "for another user" {
					user = "Eve"
				}
				if who(user) != "" {
					t.Error("it is still known")
				}
			})
		})
	}
}

// TestSessionEndsWhatItHoldsOpen ends a session in every way there is.
func TestSessionEndsWhatItHoldsOpen(t *testing.T) {
	end := map[string]func(d *door, ctx context.Context){
		"sign-out": func(d *door, ctx context.Context) {
			if err := d.SignOut(ctx, "10.0.0.1"); err != nil {
				d.Error(err)
			}
		},
		"removal": func(d *door, _ context.Context) {
			if _, err := d.Store.SQL().Exec("DELETE FROM session"); err != nil {
				d.Fatal(err)
			}
		},
		"expiry": func(*door, context.Context) { time.Sleep(lifetime + time.Hour) },
		"another password": func(d *door, _ context.Context) {
			if err := ResetPassword(context.Background(), d.Store, sallyport.Actor{Kind: "cli", Name: "ann"}, "ADA", right+" 2"); err != nil {
				d.Fatal(err)
			}
		},
	}
	for name, end := range end {
		t.Run(name, func(t *testing.T) {
			inBubble(t, false, func(d *door) {
				d.setUp()
				d.request(func(ctx context.Context) {
					watched, over := d.Watch(ctx)
					defer over()
					if !d.Lives(ctx) || watched.Err() != nil {
						t.Error("it is over before the session ends")
					}
					end(d, ctx)
					if d.Lives(ctx) {
						t.Error("the session still counts")
					}
					if atOnce := name == "sign-out"; atOnce != (watched.Err() != nil) {
						t.Errorf("the stream is over: %v", watched.Err())
					}
				})
				if len(d.live.of) != 0 {
					t.Errorf("%d sessions are still remembered", len(d.live.of))
				}
			})
		})
	}
}

func TestResetPassword(t *testing.T) {
	inBubble(t, false, func(d *door) {
		ctx, ann := context.Background(), sallyport.Actor{Kind: "cli", Name: "ann"}
		if err := ResetPassword(ctx, d.Store, ann, "", right); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("without users: %v", err)
		}
		d.setUp()
		if err := ResetPassword(ctx, d.Store, ann, "", "short"); sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("a short one: %v", err)
		}
		if err := ResetPassword(ctx, d.Store, ann, "Eve", right); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("somebody else: %v", err)
		}
		d.wantWho("Ada")
		if err := ResetPassword(ctx, d.Store, ann, "", "another good password"); err != nil {
			t.Fatal(err)
		}
		d.wantWho("")
		if err := d.signIn("Ada", right); sallyport.CodeOf(err) != sallyport.Unauthenticated {
			t.Errorf("the old password: %v", err)
		}
		if err := d.signIn("Ada", "another good password"); err != nil {
			t.Errorf("the new password: %v", err)
		}
		entries, err := d.Store.Audit(ctx, "", "auth.password", 10, 0)
		if err != nil || len(entries) != 1 || entries[0].Actor.Name != ann.Name || entries[0].Detail["name"] != "Ada" {
			t.Errorf("the audit log has %v, %v", entries, err)
		}
	})
}

func TestCookieNames(t *testing.T) {
	for want, c := range map[string]Config{
		"sallyport_session_8420":   {Port: 8420},
		"__Host-sallyport_session": {Port: 8420, Secure: true},
		"sallyport_session":        {},
	} {
		if got := c.cookieName("session"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "::ffff:203.0.113.9": "203.0.113.9", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "x": "x",
	} {
		if got := network(address); got != want {
			t.Errorf("%s counts for %s, want %s", address, got, want)
		}
	}
}
