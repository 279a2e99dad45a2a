// Package web serves the pages. No rule lives here: it says to package service what was asked, and shows what came.
package web

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/service"
)

// Bounds of one request. Most forms hold a secret at the most, and some text.
const (
	maxBody = 128 << 10
	maxTime = time.Minute
)

// Config is what the pages work with.
type Config struct {
	Service *service.Service
	Auth    *auth.Auth
	Tokens  *auth.Tokens
	Version string
	Data    string // the data directory, shown to whoever is signed in
	Secure  bool   // the pages are reached by https
	Log     *slog.Logger
	// Stopping is closed when the server stops: streams of events would keep it waiting. Nil: it never stops.
	Stopping <-chan struct{}
}

type server struct {
	Config
	assets   *assets
	routes   *http.ServeMux
	patterns []string // of all routes
}

// New makes the handler of all pages. It panics if the files that are compiled in cannot be read.
func New(c Config) http.Handler {
	s := &server{Config: c, assets: loadAssets()}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{name}", s.assets)
	mux.Handle("/", s.pages())
	return obs.Identified(s.secured(s.recovered(gzhttp.GzipHandler(mux))))
}

// pages are everything that has a session.
func (s *server) pages() http.Handler {
	mux := http.NewServeMux()
	s.routes = mux
	open := func(pattern string, h handler) {
		s.patterns = append(s.patterns, pattern)
		mux.Handle(pattern, s.page(h))
	}
	open("GET /setup/{token}", s.showSetUp)
	open("POST /setup/{token}", s.setUp)
	open("GET /sign-in", s.showSignIn)
	open("POST /sign-in", s.signIn)

	closed := func(pattern string, h handler) { open(pattern, s.signedIn(h)) }
	closed("POST /sign-out", s.signOut)
	closed("GET /{$}", s.home)
	closed("GET /activity", s.listActivity)
	s.settings(closed)
	s.flowPages(closed)
	s.credentialPages(closed)
	s.wizard(closed)
	s.quarantine(closed)
	closed("/", s.missing)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(s.page(crossSite))
	return guard.Handler(s.Auth.Sessions(bounded(mux)))
}

func (s *server) flowPages(closed func(pattern string, h handler)) {
	closed("GET /flows", s.listFlows)
	closed("GET /flows/new", s.newFlow)
	closed("POST /flows/new", s.createDraft)
	closed("GET /flows/import", s.showImport)
	closed("POST /flows/import", s.importFlows)
	closed("GET /flows/{id}", s.showFlow)
	closed("GET /flows/{id}/events", s.watchFlow)
	closed("GET /flows/{id}/file", s.exportFlow)
	closed("POST /flows/{id}/change", s.changeFlow)
	closed("POST /flows/{id}/copy", s.copyFlow)
	closed("GET /flows/{id}/delete", s.showDeleteFlow)
	closed("POST /flows/{id}/delete", s.deleteFlow)
	closed("POST /flows/{id}/run", s.runFlow)
	closed("GET /flows/{id}/reset", s.showReset)
	closed("POST /flows/{id}/reset", s.resetFlow)
	closed("GET /flows/{id}/gap", s.showGap)
	closed("POST /flows/{id}/gap", s.fillGap)
	closed("POST /flows/{id}/deliver", s.deliverFlow)
	closed("GET /flows/{id}/accept", s.showAccept)
	closed("POST /flows/{id}/accept", s.acceptPull)
	closed("GET /flows/{id}/reject", s.showReject)
	closed("POST /flows/{id}/reject", s.rejectPull)
	closed("GET /flows/{id}/files/revoke", s.showRevokeFile)
	closed("POST /flows/{id}/files/revoke", s.revokeFile)
	closed("POST /flows/{id}/pause", s.pauseFlow)
	closed("POST /flows/{id}/resume", s.resumeFlow)
	closed("GET /destinations/{id}/again", s.showAgain)
	closed("POST /destinations/{id}/again", s.deliverAgain)
	closed("GET /datasets/{id}", s.showDataset)
	closed("GET /runs", s.listRuns)
	closed("GET /runs/{id}", s.showRun)
	closed("GET /runs/{id}/events", s.watchRun)
}

func (s *server) settings(closed func(pattern string, h handler)) {
	closed("GET /settings", s.showSettings)
	closed("GET /settings/tokens", s.showSettings) // where a browser without scripts is after it made one
	closed("POST /settings/tokens", s.createToken)
	closed("GET /settings/tokens/{id}/revoke", s.showRevoke)
	closed("POST /settings/tokens/{id}/revoke", s.revokeToken)
}

func (s *server) credentialPages(closed func(pattern string, h handler)) {
	closed("GET /credentials", s.listCredentials)
	closed("GET /credentials/new", s.chooseConnector)
	closed("GET /credentials/{id}", s.showCredential)
	closed("GET /credentials/{id}/edit", s.editCredential)
	closed("POST /credentials/{id}", s.updateCredential)
	closed("POST /credentials/{id}/test", s.testCredential)
	closed("GET /credentials/{id}/rotate", s.showRotate)
	closed("POST /credentials/{id}/rotate", s.rotate)
	closed("POST /credentials/{id}/rotate/test", s.testRotate)
	closed("GET /credentials/{id}/quota", s.showQuota)
	closed("POST /credentials/{id}/quota", s.setQuota)
	closed("GET /credentials/{id}/delete", s.showDelete)
	closed("POST /credentials/{id}/delete", s.deleteCredential)
	closed("GET /connectors/{connector}/credentials/new", s.showAdd)
	closed("POST /connectors/{connector}/credentials", s.add)
	closed("POST /connectors/{connector}/credentials/test", s.testDraft)
}
