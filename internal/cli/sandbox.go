package cli

import (
	"encoding/json"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

type sandboxCommand struct {
	Addr    string `help:"Loopback address to listen on." default:"127.0.0.1:8421"`
	Records int    `help:"Indicators linked to feed 1." default:"2500"`
	Plan    string `help:"Limits of the account: free, pro, team, business, feed, cut or unlimited." default:"unlimited"`

	Oddities []string `help:"Ways in which answers are odd, like shapes-2019,shuffled; docs/sandbox.md lists them."`
}

// Run serves the sandbox until it is interrupted. Its first line is its address and a fresh key: the one place where a key is printed,
// for it opens made-up data only.
func (c *sandboxCommand) Run(e *env) error {
	s, err := sandbox.New(sandbox.Options{Records: c.Records, Plan: c.Plan, Oddities: c.Oddities})
	if err != nil {
		return err
	}
	address, done, err := s.Serve(e.ctx, c.Addr)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(e.Out).Encode(struct {
		Address string `json:"address"`
		Key     string `json:"key"`
	}{address, s.CreateKey("first key")}); err != nil {
		return err
	}
	return <-done
}
