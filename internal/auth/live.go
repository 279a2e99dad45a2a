package auth

import (
	"context"
	"sync"
	"time"
)

// lookWithin bounds a look whether a session still exists.
const lookWithin = 10 * time.Second

// live is what sessions hold open: it ends with them. The zero value is ready.
type live struct {
	mu sync.Mutex
	of map[string]map[*context.CancelFunc]bool // by the token of the session
}

func (l *live) begin(token string, cancel context.CancelFunc) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]map[*context.CancelFunc]bool{}
	}
	if l.of[token] == nil {
		l.of[token] = map[*context.CancelFunc]bool{}
	}
	l.of[token][&cancel] = true
	return func() {
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.of[token], &cancel)
		if len(l.of[token]) == 0 {
			delete(l.of, token)
		}
	}
}

func (l *live) end(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for cancel := range l.of[token] {
		(*cancel)()
	}
}

// Watch returns a context for something that lasts, which ends as soon as its session is ended here. Call end once it is over.
func (a *Auth) Watch(ctx context.Context) (watched context.Context, end func()) {
	watched, cancel := context.WithCancel(ctx)
	return watched, a.live.begin(a.sessions.Token(ctx), cancel)
}

// Lives tells whether the session of a request is still there: it may have expired, or another process may have ended it.
func (a *Auth) Lives(ctx context.Context) bool {
	u, ok := UserOf(ctx)
	if !ok {
		return false
	}
	limited, cancel := context.WithTimeout(context.Background(), lookWithin) // the request's own context has the session as it was
	defer cancel()
	fresh, err := a.sessions.Load(limited, a.sessions.Token(ctx))
	return err == nil && a.sessions.GetString(fresh, keyUser) == string(u.ID)
}
