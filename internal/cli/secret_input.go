package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// secretInput is how a secret gets in: never as an argument, which other users of the machine could read.
type secretInput struct {
	SecretStdin   bool     `help:"Read the secret from standard input."`
	SecretFile    []string `help:"Read the secret from a file, or a further one as FIELD=FILE. A - stands for standard input." placeholder:"FILE" sep:"none"`
	NoTest        bool     `help:"Store it without a test." xor:"test"`
	AllowUntested bool     `help:"Store it even if it could not be tested. A rejected key is not stored: only the pages store one, if you insist there." xor:"test"`
}

func (in secretInput) testing() service.Testing {
	switch {
	case in.NoTest:
		return service.WithoutTesting
	case in.AllowUntested:
		return service.AllowUntested
	}
	return service.MustTest
}

// read gets the secrets of a credential with the given public fields. There are none where no key is sent, or where it may be missing and
// none was given: an empty input counts as a mistake, an empty line at the terminal does not.
func (in secretInput) read(e *env, d *connector.Definition, public map[string]string) (map[string]secret.Text, error) {
	if d.Credential == nil {
		return nil, nil
	}
	auth := d.Credential.Auth.Resolve(withDefaults(d, public))
	given, err := in.given(d, auth.Secret)
	if places := auth.Places(); err != nil || len(places) == 0 || places[0].Kind == "" {
		return nil, err
	}
	if len(given) == 0 {
		return e.askFor(auth)
	}
	secrets := map[string]secret.Text{}
	for _, field := range slices.Sorted(maps.Keys(given)) {
		text, err := in.secret(e, field, given[field])
		switch {
		case err != nil:
			return nil, err
		case text.IsEmpty() && auth.Optional && field == auth.Secret:
			return nil, sallyport.FieldErrorf(field, "is empty; for a credential without a key, leave out --secret-stdin and --secret-file")
		case text.IsEmpty() && field != auth.Secret:
			return nil, sallyport.FieldErrorf(field, "is empty")
		}
		secrets[field] = text
	}
	return secrets, nil
}

// stdin is the file that stands for standard input.
const stdin = "-"

// given tells where each secret that is given comes from, by its field: a file, or [stdin]. main is the field of the key.
func (in secretInput) given(d *connector.Definition, main string) (map[string]string, error) {
	files := map[string]string{}
	if in.SecretStdin {
		files[main] = stdin
	}
	for _, file := range in.SecretFile {
		field := main
		if name, of, ok := strings.Cut(file, "="); ok && slices.ContainsFunc(d.SecretFields(), func(f connector.Field) bool { return f.Name == name }) {
			field, file = name, of
		}
		if _, twice := files[field]; twice {
			return nil, sallyport.FieldErrorf("--secret-file", "gives %s once more: write FIELD=FILE for another secret", field)
		}
		if file == stdin && slices.Contains(slices.Collect(maps.Values(files)), stdin) {
			return nil, sallyport.FieldErrorf("--secret-file", "reads standard input once more: it holds one secret")
		}
		files[field] = file
	}
	return files, nil
}

// askFor asks for the secrets of every place at the terminal. Which of them are required is decided later.
func (e *env) askFor(auth connector.Auth) (map[string]secret.Text, error) {
	terminal, ask := e.terminal()
	if !ask && auth.Optional {
		return nil, nil
	}
	secrets := map[string]secret.Text{}
	for _, place := range auth.Places() {
		for _, field := range place.Secrets() {
			if !ask {
				return nil, sallyport.FieldErrorf(place.Secret, "is a secret: give it with --secret-stdin or --secret-file FILE, or at a terminal")
			}
			line, err := e.ask(terminal, field)
			if err != nil {
				return nil, err
			}
			text, err := e.take(bytes.NewReader(line), field)
			if err != nil {
				return nil, err
			}
			if !text.IsEmpty() {
				secrets[field] = text
			}
		}
	}
	return secrets, nil
}

// secret reads one secret from a file.
func (in secretInput) secret(e *env, field, file string) (secret.Text, error) {
	if file == stdin {
		return e.take(e.In, field)
	}
	f, err := os.Open(file)
	if err != nil {
		return secret.Text{}, sallyport.FieldErrorf("--secret-file", "%w", err)
	}
	defer f.Close()
	warnReadable(e.Err, f)
	return e.take(f, field)
}

// take reads one secret. Whatever becomes of it, the command does not print it.
func (e *env) take(from io.Reader, field string) (secret.Text, error) {
	text, err := secret.Read(from)
	if err != nil {
		return secret.Text{}, sallyport.FieldErrorf(field, "%w", err)
	}
	e.redactor.Add(text)
	return text, nil
}

func withDefaults(d *connector.Definition, public map[string]string) map[string]string {
	all := map[string]string{}
	for _, f := range d.Credential.Fields {
		if s, ok := f.Default.(string); ok && f.Public {
			all[f.Name] = s
		}
	}
	maps.Copy(all, public)
	return all
}

// terminal is the terminal that a person can be asked at, if there is one.
func (e *env) terminal() (fd int, ok bool) {
	f, ok := e.In.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// warnReadable warns about a file with a secret that other users of the machine can read.
func warnReadable(w io.Writer, f *os.File) {
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		fmt.Fprintf(w, "warning: other users can read the secret in %s (mode %04o): run chmod 600 on it\n", f.Name(), info.Mode().Perm())
	}
}

// ask asks for a line at a terminal, and does not show what is typed. When the command is interrupted, the terminal is left as it was.
func (e *env) ask(terminal int, field string) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(e.Err, "%s (not shown): ", field)
	defer fmt.Fprintln(e.Err)
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(terminal)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-e.ctx.Done():
		return nil, errors.Join(e.ctx.Err(), term.Restore(terminal, before))
	}
}

// hint adds to the error about a key that could not be tested how to store it nevertheless.
func (in secretInput) hint(err error) error {
	unproved, ok := errors.AsType[*service.Unproved](err)
	if !ok || unproved.Verdict == sallyport.VerdictRejected || in.testing() != service.MustTest {
		return err
	}
	return fmt.Errorf("%w\n--allow-untested stores it all the same", err)
}

// warnOfKeys warns about secrets that were stored.
func (e *env) warnOfKeys(secrets map[string]secret.Text) {
	for _, warning := range service.KeyWarnings(secrets) {
		fmt.Fprintln(e.Err, "warning:", warning)
	}
}
