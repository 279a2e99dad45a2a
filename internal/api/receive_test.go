package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// single is a listener with one connection.
type single chan net.Conn

func (l single) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, io.EOF
}
func (l single) Close() error   { return nil }
func (l single) Addr() net.Addr { return new(net.TCPAddr) }

// TestUntakenAnswer asks, and takes nothing of an answer that is so small that it is sent only when all of it is there.
func TestUntakenAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := net.Pipe() // it keeps nothing for a reader
		defer conn.Close()
		l := make(single, 1)
		l <- far
		closed := make(chan struct{})
		server := &http.Server{
			Handler: new(server).received(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })),
			ConnState: func(_ net.Conn, s http.ConnState) {
				if s == http.StateClosed {
					close(closed)
				}
			},
		}
		defer server.Close()
		defer close(l)
		go server.Serve(l)
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case <-closed:
		case <-time.After(maxTime + 2*takeWithin):
			t.Error("the answer waits for somebody to take it")
		}
	})
}
