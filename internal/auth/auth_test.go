package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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
		test(&door{T: t, Auth: New(Config{Store: s, Plain: anything, Secure: secure, Log: slog.New(slog.DiscardHandler)})})
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
