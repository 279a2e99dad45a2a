package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/egress"
)

const (
	stopWithin    = 10 * time.Second // for requests that are being answered
	lockInterval  = time.Second      // between looks whether another process still works the jobs
	maxHeaderSize = 64 << 10
)

// Serve serves pages at addr, and works the schedule and the jobs, until ctx ends. ready is told the address once it is listened on.
func (a *App) Serve(ctx context.Context, addr string, behindProxy bool, ready func(address string)) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return sallyport.FieldErrorf("addr", "%q is no address with a port, such as 127.0.0.1:8420", addr)
	}
	if !egress.IsLoopback(host) && !behindProxy {
		return sallyport.FieldErrorf("addr", "%s can be reached from other machines, and passwords would travel in the clear; put a proxy with TLS before it and give --behind-proxy, or use a loopback address", addr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return sallyport.FieldErrorf("addr", "%s cannot be listened on; is the port taken? (%w)", addr, err)
	}
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeaderSize}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	ready("http://" + listener.Addr().String())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	worked := make(chan error, 1)
	go func() { worked <- a.work(ctx) }()
	select {
	case err = <-stopped:
		cancel()
		return errors.Join(err, <-worked)
	case err = <-worked: // nothing would be worked any more
		return errors.Join(err, shutDown(ctx, server))
	case <-ctx.Done():
		return errors.Join(shutDown(ctx, server), <-worked)
	}
}

// work works the schedule and the jobs of this database as soon as no other process does, until ctx ends.
func (a *App) work(ctx context.Context) error {
	engine := a.Service.Engine
	for {
		working, err := engine.Start(ctx)
		if err != nil {
			return err
		}
		if working {
			break
		}
		select {
		case <-time.After(lockInterval):
		case <-ctx.Done():
			return nil
		}
	}
	engine.Schedule(ctx)
	return engine.Stop(context.WithoutCancel(ctx))
}

// shutDown lets the requests at hand finish for a while, and then cuts them off: streams of events never end by themselves.
func shutDown(ctx context.Context, server *http.Server) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if server.Shutdown(grace) != nil {
		return server.Close()
	}
	return nil
}

func (a *App) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if _, err := a.Service.Credentials(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return mux
}
