package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

type tokenCommand struct {
	Add  tokenAdd  `cmd:"" help:"Make a token, and show it, once."`
	List tokenList `cmd:"" help:"List tokens."`
	Rm   tokenRm   `cmd:"" help:"Revoke a token: the next request with it is refused."`
}

type tokenAdd struct {
	Name    string              `arg:"" help:"Name of the token: what uses it, and where."`
	Scope   []sallyport.Scope   `help:"What it may do; several are repeated, or joined by commas." required:"" placeholder:"SCOPE"`
	Expires *sallyport.Duration `help:"When it is worth nothing any more, such as 90d; never if this is left out." placeholder:"AGE"`
}

// Help says what the scopes are.
func (tokenAdd) Help() string {
	var b strings.Builder
	b.WriteString("Scopes:\n")
	for _, s := range sallyport.Scopes {
		fmt.Fprintf(&b, "  %-6s %s\n", s, s.Allows())
	}
	return b.String()
}

// Run makes a token, and prints it: nobody can find it out again.
func (c *tokenAdd) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	var expires time.Time
	if c.Expires != nil {
		expires = time.Now().Add(time.Duration(*c.Expires))
	}
	token, text, err := a.Tokens.Create(e.ctx, e.actor(), c.Name, c.Scope, expires)
	if err != nil {
		return err
	}
	shown := struct {
		sallyport.Token
		Text string `json:"token"`
	}{token, text}
	return e.show(shown, func(w io.Writer) {
		fmt.Fprintf(w, "token %q is made; it is shown this once, so keep it now:\n%s\n", token.Name, text)
	})
}

type tokenList struct{}

// Run lists tokens.
func (tokenList) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	all, err := a.Tokens.List(e.ctx)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, t := range all {
		rows = append(rows, []string{t.Name, sallyport.JoinScopes(t.Scopes, ","), t.Owner, moment(t.CreatedAt), expiry(t), moment(t.LastUsedAt)})
	}
	return e.show(all, func(w io.Writer) {
		table(w, "There is no token yet: `sallyport token add NAME --scope read` makes one.",
			[]string{"NAME", "SCOPES", "MADE BY", "MADE", "EXPIRES", "LAST USED"}, rows)
	})
}

func expiry(t sallyport.Token) string {
	switch {
	case t.ExpiresAt.IsZero():
		return "never"
	case t.Expired(time.Now()):
		return "expired"
	}
	return moment(t.ExpiresAt)
}

type tokenRm struct {
	Name string `arg:"" help:"Name of the token."`
}

// Run revokes a token.
func (c *tokenRm) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	if err := a.Tokens.Revoke(e.ctx, e.actor(), c.Name); err != nil {
		return err
	}
	return e.show(map[string]string{"removed": c.Name}, func(w io.Writer) { fmt.Fprintf(w, "token %q is revoked\n", c.Name) })
}
