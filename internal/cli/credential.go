package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/service"
)

type credentialCommand struct {
	Add    credentialAdd    `cmd:"" help:"Store a credential, sealed, after a test."`
	List   credentialList   `cmd:"" help:"List credentials."`
	Show   credentialShow   `cmd:"" help:"Show a credential: where it is used, when last, what is known of its key."`
	Test   credentialTest   `cmd:"" help:"Test a stored key with one call."`
	Quota  credentialQuota  `cmd:"" help:"Show what a credential may still spend, or set it."`
	Rotate credentialRotate `cmd:"" help:"Replace the key of a credential by a new one, once that is proved."`
	Rm     credentialRm     `cmd:"" help:"Remove a credential that nothing uses."`
}

type credentialAdd struct {
	Connector   string            `arg:"" help:"Connector, such as pulsedive."`
	Name        string            `help:"Name of the credential." required:"" placeholder:"N"`
	Description string            `help:"What it is for, who owns it." placeholder:"D"`
	Set         map[string]string `help:"A public field, such as address=https://host." placeholder:"FIELD=VALUE" mapsep:"none"`
	secretInput
}

// Run stores a credential, once its key is proved.
func (c *credentialAdd) Run(e *env, s *service.Service) error {
	definition, err := s.Catalogue.Definition(c.Connector)
	if err != nil {
		return err
	}
	if err := refuseSecretArguments(definition, c.Set); err != nil {
		return err
	}
	secrets, err := c.read(e, definition, c.Set)
	if err != nil {
		return err
	}
	draft := service.CredentialDraft{Name: c.Name, Description: c.Description, Connector: c.Connector, Public: c.Set, Secrets: secrets}
	stored, err := s.CreateCredential(e.ctx, e.actor(), draft, c.testing())
	if err != nil {
		return c.hint(err)
	}
	e.warnOfKeys(secrets)
	return e.show(stored, func(w io.Writer) {
		if len(secrets) == 0 {
			fmt.Fprintf(w, "credential %q is stored, without a key: %s\n", stored.Name, verdictText(stored))
			return
		}
		fmt.Fprintf(w, "credential %q is stored, sealed; its key: %s\n", stored.Name, verdictText(stored))
	})
}

func refuseSecretArguments(d *connector.Definition, set map[string]string) error {
	for _, f := range d.SecretFields() {
		if _, given := set[f.Name]; given {
			return sallyport.FieldErrorf(f.Name, "is a secret, which other users of this machine could read in the arguments; give it with --secret-stdin or --secret-file %s=FILE, and change it, now that it was seen", f.Name)
		}
	}
	return nil
}

func verdictText(c *sallyport.Credential) string {
	if c.Verdict == sallyport.VerdictValid {
		return "valid, as tested just now"
	}
	return string(c.Verdict) + " (" + c.Reason + ")"
}

type credentialList struct{}

// Run lists credentials.
func (credentialList) Run(e *env, s *service.Service) error {
	all, err := s.Credentials(e.ctx)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, c := range all {
		rows = append(rows, []string{c.Name, c.Connector, string(c.Verdict), moment(c.VerdictAt), c.Description})
	}
	return e.show(all, func(w io.Writer) {
		table(w, "There is no credential yet: `sallyport credential add pulsedive --name NAME` stores one.", []string{"NAME", "CONNECTOR", "KEY", "SINCE", "DESCRIPTION"}, rows)
	})
}

type credentialShow struct {
	Name string `arg:"" help:"Name of the credential."`
}

// Run shows a credential.
func (c *credentialShow) Run(e *env, s *service.Service) error {
	use, err := s.Credential(e.ctx, c.Name)
	if err != nil {
		return err
	}
	windows, err := s.Quota(e.ctx, string(use.ID))
	if err != nil {
		return err
	}
	shown := struct {
		*service.CredentialUse
		Quota []quota.Window `json:"quota"`
	}{use, windows}
	return e.show(shown, func(w io.Writer) {
		pairs := []string{"name", use.Name, "description", use.Description, "connector", use.Connector}
		for _, name := range slices.Sorted(maps.Keys(use.Public)) {
			pairs = append(pairs, name, use.Public[name])
		}
		for _, name := range slices.Sorted(maps.Keys(use.Secrets)) {
			pairs = append(pairs, name, "set since "+moment(use.Secrets[name]))
		}
		used := strings.Join(use.UsedBy, ", ")
		if used == "" {
			used = "nothing"
		}
		pairs = append(pairs, "verdict", string(use.Verdict), "reason", use.Reason, "tested", moment(use.VerdictAt))
		pairs = append(pairs, quotaFacts(windows)...)
		facts(w, append(pairs, "used by", used, "last used", moment(use.LastUsedAt), "created", moment(use.CreatedAt))...)
	})
}

type credentialTest struct {
	Name string `arg:"" help:"Name of the credential."`
}

// Run tests a stored key, and keeps what that showed. A key that does not work is an error.
func (c *credentialTest) Run(e *env, s *service.Service) error {
	probe, err := s.TestCredential(e.ctx, e.actor(), c.Name)
	if err != nil {
		return err
	}
	return e.show(probe, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s (%d ms)\n", probe.Verdict, probe.Reason, probe.Took.Milliseconds())
	})
}

type credentialRotate struct {
	Name string `arg:"" help:"Name of the credential."`
	secretInput
}

// Run replaces a key, once the new one is proved. Whatever uses it has the new one at its next request.
func (c *credentialRotate) Run(e *env, s *service.Service) error {
	use, err := s.Credential(e.ctx, c.Name)
	if err != nil {
		return err
	}
	definition, err := s.Catalogue.Definition(use.Connector)
	if err != nil {
		return err
	}
	secrets, err := c.read(e, definition, use.Public)
	if err != nil {
		return err
	}
	stored, err := s.RotateCredential(e.ctx, e.actor(), c.Name, secrets, c.testing())
	if err != nil {
		return c.hint(err)
	}
	e.warnOfKeys(secrets)
	return e.show(stored, func(w io.Writer) {
		fmt.Fprintf(w, "credential %q has its new key: %s\n", stored.Name, verdictText(stored))
	})
}

type credentialRm struct {
	Name string `arg:"" help:"Name of the credential."`
}

// Run removes a credential.
func (c *credentialRm) Run(e *env, s *service.Service) error {
	if err := s.DeleteCredential(e.ctx, e.actor(), c.Name); err != nil {
		return err
	}
	return e.show(map[string]string{"removed": c.Name}, func(w io.Writer) { fmt.Fprintf(w, "credential %q is removed\n", c.Name) })
}

type keysCommand struct {
	Verify keysVerify `cmd:"" help:"Check that the master key decrypts every credential."`
}

type keysVerify struct{}

// Run verifies the master key against every credential. A database that has none proves nothing, and one that does not exist is not created:
// after a restore, either means that the command looks in the wrong place.
func (keysVerify) Run(e *env) error {
	if err := e.load(); err != nil {
		return err
	}
	if !app.HasDatabase(e.settings) {
		return sallyport.Errorf(sallyport.NotFound, "there is no database in %s, so nothing was verified: name the right directory with --data", e.settings.Data)
	}
	s, err := e.service()
	if err != nil {
		return err
	}
	total, problems, err := s.VerifyKeys(e.ctx, e.actor())
	if err != nil {
		return err
	}
	if total == 0 {
		return sallyport.Errorf(sallyport.NotFound, "the database in %s has no credentials, so nothing was verified: "+
			"if credentials should be there, name the right directory with --data", e.settings.Data)
	}
	result := struct {
		Credentials int               `json:"credentials"`
		Problems    map[string]string `json:"problems"`
	}{total, map[string]string{}}
	for _, p := range problems {
		result.Problems[p.Credential.Name] = p.Err.Error()
	}
	err = e.show(result, func(w io.Writer) {
		fmt.Fprintf(w, "the master key opens %s of %s\n", count(int64(total-len(problems))), plural(int64(total), "credential"))
		for _, p := range problems {
			fmt.Fprintln(w, " ", p.Err)
		}
	})
	if err == nil && len(problems) > 0 {
		return finding(exitCodes[sallyport.Unauthenticated])
	}
	return err
}
