package events

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counting is a stream that has something else to tell whenever it is looked at.
func counting() Stream {
	n := 0
	return Stream{
		Name: "count", Changed: func() <-chan struct{} { return nil }, Log: slog.New(slog.DiscardHandler),
		Look: func(context.Context) ([]byte, bool, error) { n++; return fmt.Append(nil, n), false, nil },
	}
}

// once is a listener with one connection.
type once chan net.Conn

func (l once) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, io.EOF
}
func (l once) Close() error   { return nil }
func (l once) Addr() net.Addr { return new(net.TCPAddr) }

// ask sends a request for a stream through a connection that keeps nothing for a reader. ended is closed when the stream has ended.
func ask(t *testing.T, s Stream, method string) (conn net.Conn, ended chan struct{}) {
	t.Helper()
	conn, far := net.Pipe()
	l := make(once, 1)
	l <- far
	ended = make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		if err := s.Serve(w, r); err != nil {
			t.Error(err)
		}
	})}
	go server.Serve(l)
	t.Cleanup(func() { close(l); conn.Close(); server.Close() })
	if _, err := fmt.Fprintf(conn, "%s / HTTP/1.1\r\nHost: x\r\n\r\n", method); err != nil {
		t.Fatal(err)
	}
	return conn, ended
}

// TestStream is read for an hour, and then by nobody any more: that ends it.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, ended := ask(t, counting(), http.MethodGet)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(answer, err)
		}
		lines, begin, told := bufio.NewScanner(answer.Body), time.Now(), 0
		for time.Since(begin) < time.Hour && lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if told++; text != fmt.Sprint(told) {
					t.Fatalf("event %d says %s", told, text)
				}
			}
		}
		if told < 3000 {
			t.Errorf("%d events in an hour", told)
		}
		select {
		case <-ended:
		case <-time.After(2 * readWithin):
			t.Error("the stream waits for a reader that does not read")
		}
	})
}

// TestHead asks whether there is a stream.
func TestHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, ended := ask(t, counting(), http.MethodHead)
		answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodHead})
		if err != nil || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(answer, err)
		}
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Error("the stream goes on, though nothing of it is sent")
		}
	})
}
