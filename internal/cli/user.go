package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/sallyport-io/sallyport"
)

// maxPasswordInput bounds what is read of standard input, in bytes: more than the longest password has.
const maxPasswordInput = 16 << 10

type userCommand struct {
	Passwd userPasswd `cmd:"" help:"Replace a forgotten password, and end all sessions of that user."`
}

type userPasswd struct {
	Name        string `arg:"" optional:"" help:"Name of the user; not needed if there is only one."`
	SecretStdin bool   `help:"Read the new password from standard input."`
}

// Run replaces a password. Anyone who can use the data directory may do so.
func (c *userPasswd) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	user, err := a.UserToReset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	password, err := c.password(e)
	if err != nil {
		return err
	}
	if err := a.ResetPassword(e.ctx, e.actor(), user.Name, password); err != nil {
		return err
	}
	return e.show(map[string]string{"user": user.Name}, func(w io.Writer) {
		fmt.Fprintf(w, "user %q has a new password; all sessions of that user are ended\n", user.Name)
	})
}

// password reads the new password: at a terminal twice, without echo.
func (c *userPasswd) password(e *env) (string, error) {
	if c.SecretStdin {
		text, err := io.ReadAll(io.LimitReader(e.In, maxPasswordInput))
		return strings.TrimRight(string(text), "\r\n"), err
	}
	f, ok := e.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", sallyport.FieldErrorf("password", "is a secret: enter it at a terminal, or give it with --secret-stdin")
	}
	first, err := e.ask(int(f.Fd()), "new password")
	if err != nil {
		return "", err
	}
	again, err := e.ask(int(f.Fd()), "new password, once more")
	if err == nil && string(first) != string(again) {
		err = sallyport.FieldErrorf("password", "was not the same both times; nothing was changed")
	}
	return string(first), err
}
