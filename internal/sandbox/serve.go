package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/beacon"
)

// Limits of the server in time and size. Writing may take long: a page can be as large as [Options.PageSize] makes it.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 10 * time.Minute
	idleTimeout  = 2 * time.Minute
	stopTimeout  = 5 * time.Second
	maxHeader    = 16 << 10
)

// Serve listens on addr, a loopback address with a port (0 picks a free one), and serves until ctx ends.
// The address is of the form http://127.0.0.1:8421. Done yields once, when nothing is served any more: nil after a stop by ctx.
func (s *Sandbox) Serve(ctx context.Context, addr string) (address string, done <-chan error, err error) {
	listener, err := listen(ctx, addr)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		Handler: s.Handler(), MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	putOut := announce(listener.Addr())
	stopped := make(chan error, 1)
	go func() {
		defer putOut()
		stopped <- serve(ctx, server, listener)
	}()
	return "http://" + listener.Addr().String(), stopped, nil
}

// announce tells the Sallyport of the same user where the sandbox listens, so that any credential may name that port. Where it cannot be
// told, only those that are entered at the command line may.
func announce(addr net.Addr) (putOut func()) {
	port := addr.(*net.TCPAddr).AddrPort().Port()
	putOut, err := beacon.Light(beacon.Sandbox, port)
	if err != nil {
		slog.Warn("credentials that pages and API create cannot reach this sandbox", "error", err)
		return func() {}
	}
	return putOut
}

// listen opens addr if only this machine can reach it.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, sallyport.FieldErrorf("addr", "%q is not an address with a port, like 127.0.0.1:8421", addr)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, sallyport.FieldErrorf("addr", "the sandbox listens on a loopback address only, like 127.0.0.1:8421, not on %q", addr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, sallyport.Errorf(sallyport.Conflict, "the sandbox cannot listen on %s; is the port taken? (%w)", addr, err)
	}
	return listener, nil
}

// serve serves until ctx ends, then lets the requests at hand finish for a while.
func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the sandbox: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		return server.Close() // the time is up: whoever still reads is cut off
	}
	return nil
}
