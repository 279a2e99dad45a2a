package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/api"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/beacon"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/web"
)

const (
	readTimeout   = 30 * time.Second // for a whole request
	writeTimeout  = 5 * time.Minute  // for an answer, from its request on; it also takes back what the API and streams set on the connection
	idleTimeout   = 2 * time.Minute
	stopWithin    = 10 * time.Second // for requests that are being answered
	lockInterval  = time.Second      // between looks whether another process still works the jobs
	maxHeaderSize = 64 << 10
)

// Serve serves pages at addr, and works the schedule and the jobs, until ctx ends. behindProxy says that a proxy before it speaks TLS. ready
// is told the address once it is listened on, the same address as a number, and the link by which the first user is made, or "" when there is one.
func (a *App) Serve(ctx context.Context, addr string, behindProxy bool, ready func(address, plain, setUp string)) error {
	listener, err := listen(ctx, addr, behindProxy)
	if err != nil {
		return err
	}
	defer a.announce(listener.Addr())()
	if behindProxy && len(a.settings.Proxies) == 0 {
		a.Service.Log.Warn("trusted_proxies is not set: all visitors that come through the proxy share one limit of sign-in attempts")
	}
	users := auth.New(auth.Config{Store: a.store, Plain: a.Service.CheckPlain, Values: a.Service.Vault, Secure: behindProxy, Port: portOf(listener.Addr()), Log: a.Service.Log})
	setUp, err := users.SetUpPath(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	stopping := make(chan struct{})
	server := &http.Server{
		Handler:           door{a.settings.Hosts, a.settings.Proxies, a.handler(users, behindProxy, stopping)},
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderSize,
		ErrorLog: slog.NewLogLogger(a.Service.Log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(stopping) })
	stopped := make(chan error, 1)
	go func() {
		stopped <- obs.Caught(ctx, a.Service.Log, func() error { return server.Serve(listener) })
	}()
	address := addressOf(listener.Addr())
	if setUp != "" {
		setUp = address + setUp
	}
	ready(address, "http://"+listener.Addr().String(), setUp)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	worked := make(chan error, 1)
	go func() {
		worked <- obs.Caught(ctx, a.Service.Log, func() error { return a.work(ctx) })
	}()
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

func portOf(addr net.Addr) uint16 { return addr.(*net.TCPAddr).AddrPort().Port() }

// addressOf is the address that people are told: on loopback a name of its own, because browsers give a cookie to all ports of 127.0.0.1.
func addressOf(addr net.Addr) string {
	if ip := addr.(*net.TCPAddr).IP; ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.Equal(net.IPv6loopback) {
		return fmt.Sprintf("http://%s:%d", ownName, portOf(addr))
	}
	return "http://" + addr.String()
}

// announce makes sure that no credential reaches the port of this server, whichever process of this user works a flow.
func (a *App) announce(addr net.Addr) (putOut func()) {
	port := portOf(addr)
	a.port.Store(uint32(port))
	putOut, err := beacon.Light(beacon.Server, port)
	if err != nil {
		a.Service.Log.Warn("other processes are not told of the port of this server", "error", err)
		return func() {}
	}
	return putOut
}

// listen listens on a loopback address, or on any when a proxy before it speaks TLS.
func listen(ctx context.Context, addr string, behindProxy bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, sallyport.FieldErrorf("addr", "%q is no address with a port, such as 127.0.0.1:8420", addr)
	}
	if !egress.IsLoopback(host) && !behindProxy {
		return nil, sallyport.FieldErrorf("addr", "%s can be reached from other machines, and passwords would travel in the clear; "+
			"put a proxy with TLS before it and give --behind-proxy, or use a loopback address", addr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, sallyport.FieldErrorf("addr", "%s cannot be listened on; is the port taken? (%w)", addr, err)
	}
	return listener, nil
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

// shutDown lets the requests at hand finish for a while, and then cuts them off.
func shutDown(ctx context.Context, server *http.Server) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if server.Shutdown(grace) != nil {
		return server.Close()
	}
	return nil
}

func (a *App) handler(users *auth.Auth, secure bool, stopping <-chan struct{}) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", web.New(web.Config{
		Service: a.Service, Auth: users, Tokens: a.Tokens, Version: Version(), Data: a.settings.Data, Secure: secure, Log: a.Service.Log, Stopping: stopping,
	}))
	mux.Handle("/api/", api.New(api.Config{Service: a.Service, Tokens: a.Tokens, Version: Version(), Log: a.Service.Log, Stopping: stopping}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.Handle("GET /readyz", &readiness{store: a.store})
	return mux
}
