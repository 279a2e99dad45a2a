package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport/internal/cli"
)

// hostileSystem breaks HTTP in every way in which net/http could quote what it read: it answers a path by what it maps to, with the key for
// KEY, and raw bytes otherwise. What follows a complete response comes without being asked for.
var hostileSystem = map[string]string{
	"/unsolicited": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]HTTP/1.1 200 KEY\r\nX-Echo: KEY\r\n\r\nKEY",
	"/cut":         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]CANARY+key/with", // a part of the key, which no redactor can recognize
	"/header":      "HTTP/1.1 200 OK\r\nKEY KEY\r\n\r\n[]",
	"/field":       "HTTP/1.1 200 OK\r\nKEY: KEY\r\nContent-Length: 2\r\n\r\n[]",
	"/status":      "HTTP/1.1 KEY\r\n\r\n",
	"/version":     "KEY/1.1 200 OK\r\n\r\n",
	"/length":      "HTTP/1.1 200 OK\r\nContent-Length: KEY\r\n\r\n[]",
	"/coding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: KEY\r\n\r\n[]",
	"/chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nKEY\r\n[]\r\n",
	"/cookie":      "HTTP/1.1 200 OK\r\nSet-Cookie: KEY; Domain=KEY\r\nContent-Length: 2\r\n\r\n[]",
	"/location":    "HTTP/1.1 302 Found\r\nLocation: http://[KEY\r\nContent-Length: 0\r\n\r\n",
	"/early":       "HTTP/1.1 103 KEY\r\nLink: KEY\r\n\r\nHTTP/1.1 500 KEY\r\nContent-Length: 30\r\n\r\n{\"error\": \"KEY\"}",
}

// serveHostile serves the hostile system, with the key as it is and as it stands in a URL.
func serveHostile(t *testing.T) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				io.WriteString(conn, strings.ReplaceAll(hostileSystem[r.URL.Path], "KEY", canary+" "+url.QueryEscape(canary)))
				io.Copy(io.Discard, conn) // until the client has read it
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestStandardErrorHoldsNoKey runs a server at level debug against a system that breaks HTTP with the key in its hands, sends the server broken
// requests with the key in them, and reads the file descriptor 2 of the process to its end.
func TestStandardErrorHoldsNoKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	system := serveHostile(t)
	h.run(canary, "credential", "add", "rest", "--name", "hostile", "--set", "address="+system, "--set", "auth=query", "--set", "name=key", "--secret-stdin", "--no-test")
	_, token, _ := strings.Cut(strings.TrimSpace(h.run("", "token", "add", "test", "--scope", "read,run,write")), "\n")
	serve := h.command("", "--log-level", "debug", "serve", "--addr", "127.0.0.1:0")
	stderr := h.start(serve)
	address, _, _ := strings.Cut(stderr.wait("serves at ", 1), " ")
	address = strings.Replace(address, "sallyport.localhost", "127.0.0.1", 1) // not every resolver knows the name
	var asked sync.WaitGroup
	for path := range hostileSystem {
		asked.Go(func() { h.ask(address+"/api/v1/sources/test", path, token) })
	}
	asked.Wait() // most are tried several times, with pauses
	h.ask(address+"/api/v1/sources/test?key="+url.QueryEscape(canary), "/header", token)
	for _, request := range []string{"GET /" + canary, "GET / HTTP/1.1\r\n" + canary, "GET /;" + url.QueryEscape(canary) + " HTTP/1.1\r\nHost: " + canary + "\r\n\r\n"} {
		h.sendRaw(address, request)
	}
	stderr.wait("Unsolicited response", 2)
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	seen := stderr.rest()
	h.noCanary("standard error", seen)
	if bytes.Contains(seen, []byte("CANARY")) {
		t.Errorf("standard error holds a part of the key:\n%s", seen)
	}
}

// ask tests a source of the hostile system through the API.
func (h home) ask(api, path, token string) {
	h.Helper()
	body := fmt.Sprintf(`{"connector": "rest", "credential": "hostile", "request": {"url": %q, "records": "$[*]"}}`, path)
	r, err := http.NewRequest("POST", api, strings.NewReader(body))
	if err != nil {
		h.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Error(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		h.Errorf("%s: %s %v", response.Status, text, err)
	}
	h.noCanary("a response", text)
}

// sendRaw sends bytes to the server, and reads what it says to them.
func (h home) sendRaw(address, request string) {
	h.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request+"\r\n\r\n"); err != nil {
		h.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		h.Fatal(err)
	}
	response, err := io.ReadAll(conn)
	if err != nil {
		h.Fatal(err)
	}
	h.noCanary("a response", response)
}

// output is what a process writes to a file descriptor.
type output struct {
	home
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed, and made anew, whenever there is more; closed for good at the end
	ended bool
}

// start starts a process whose standard error is read.
func (h home) start(cmd *exec.Cmd) *output {
	h.Helper()
	pipe, err := cmd.StderrPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { cmd.Process.Kill() }) // it has ended, unless the test failed
	o := &output{home: h, grown: make(chan struct{})}
	go func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := pipe.Read(buffer)
			o.mu.Lock()
			o.text.Write(buffer[:n])
			close(o.grown)
			if o.ended = err != nil; o.ended {
				o.mu.Unlock()
				return
			}
			o.grown = make(chan struct{})
			o.mu.Unlock()
		}
	}()
	return o
}

// look returns what was written so far, and what is closed when there is more.
func (o *output) look() (text string, ended bool, grown <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.ended, o.grown
}

// wait waits until a text was written n times, and returns what stands behind the first.
func (o *output) wait(text string, n int) string {
	o.Helper()
	for {
		seen, ended, grown := o.look()
		if strings.Count(seen, text) >= n {
			_, behind, _ := strings.Cut(seen, text)
			return behind
		}
		if ended {
			o.Fatalf("%q was not written %d times:\n%s", text, n, seen)
		}
		<-grown
	}
}

// rest waits for the end, and returns everything.
func (o *output) rest() []byte {
	for {
		seen, ended, grown := o.look()
		if ended {
			return []byte(seen)
		}
		<-grown
	}
}

// TestMainRecovers shows that a panic of a command goes through the redacting writer, and not past it by way of the runtime.
func TestMainRecovers(t *testing.T) {
	defer log.SetOutput(log.Writer())
	var stderr bytes.Buffer
	streams := cli.Streams{Out: io.Discard, Err: &stderr, Env: func(string) (string, bool) { panic("no environment") }}
	if code := cli.Main([]string{"flow", "list"}, streams); code != 1 || !strings.Contains(stderr.String(), "(no environment), please report it\n") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
