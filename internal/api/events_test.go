package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/service"
)

// follow listens to the events of a run, and tells the state in each.
func (c client) follow(ctx context.Context, run string) <-chan sallyport.RunState {
	c.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/api/v1/runs/"+run+"/events", http.NoBody)
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		c.Fatalf("the answer is %s", kind)
	}
	states := make(chan sallyport.RunState)
	go func() {
		defer close(states)
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var run sallyport.Run
				if json.Unmarshal([]byte(text), &run) != nil {
					return
				}
				states <- run.State
			}
		}
	}()
	return states
}

// TestRunIsFollowed listens to a run from its beginning: the stream ends with it.
func TestRunIsFollowed(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	c.do("POST /flows", c.feed("feed", "mine")).want(http.StatusCreated)
	c.do("POST /flows/feed/run", nil).want(http.StatusAccepted)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	states := c.follow(ctx, "1")
	if first := <-states; first != sallyport.RunQueued {
		t.Errorf("the first event says %s", first)
	}
	go h.app.Service.Follow(t.Context(), 1, time.Minute, func(service.Progress) {})
	last := sallyport.RunState("")
	for s := range states {
		last = s
	}
	if last != sallyport.RunSucceeded {
		t.Errorf("the last event says %s", last)
	}
	c.get("/runs/99/events").problem(http.StatusNotFound, sallyport.NotFound)
}

// TestStreamEndsWithTheServer shows that a stream does not keep a server waiting that stops.
func TestStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	c.do("POST /flows", c.feed("feed", "mine")).want(http.StatusCreated)
	c.do("POST /flows/feed/run", nil).want(http.StatusAccepted)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	states := c.follow(ctx, "1")
	<-states
	close(h.stop)
	for range states { // until it ends
	}
	if ctx.Err() != nil {
		t.Error("the stream did not end")
	}
}

// TestRevokedTokenHearsNoMore revokes the token of a stream.
func TestRevokedTokenHearsNoMore(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	c.do("POST /flows", c.feed("feed", "mine")).want(http.StatusCreated)
	c.do("POST /flows/feed/run", nil).want(http.StatusAccepted)
	made := c.do("POST /tokens", object{"name": "listener", "scopes": []string{"read"}}).want(http.StatusCreated)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	states := client{h, made.at("token").(string)}.follow(ctx, "1")
	<-states
	c.do("DELETE /tokens/listener", nil).want(http.StatusNoContent)
	for range states { // until it ends
	}
	if ctx.Err() != nil {
		t.Error("the stream did not end")
	}
}
