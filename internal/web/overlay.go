package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// fieldPrefix is before the names of the definition's own fields in a form, so that none of them is mistaken for the credential's name.
const fieldPrefix = "field."

// addForm is the empty overlay over the choice of a connector.
func (s *server) addForm(w http.ResponseWriter, r *http.Request, d *connector.Definition) credentialForm {
	base := "/connectors/" + d.Connector + "/credentials"
	v := credentialForm{
		Definition: d, Path: base + "/new", Action: base, Test: base + "/test", Back: "/credentials/new", Stored: "/credentials?selected=",
		Public: map[string]string{}, Errors: map[string]string{},
		below: func(status int, over screen) error { return s.showChoice(w, r, status, over) },
	}
	for _, f := range d.PublicFields() {
		v.Public[f.Name], _ = f.Default.(string)
	}
	return v
}

func (s *server) showAdd(w http.ResponseWriter, r *http.Request) error {
	d, err := s.definition(r)
	if err != nil {
		return err
	}
	return s.showOverlay(w, r, http.StatusOK, s.addForm(w, r, d))
}

// showOverlay shows the overlay: alone where htmx asks, else over its screen. Where htmx asks after a faulty form, the form alone.
func (s *server) showOverlay(w http.ResponseWriter, r *http.Request, status int, v credentialForm) error {
	switch {
	case isFragment(r) && r.Method == http.MethodPost:
		s.show(w, r, status, credentialFields(v))
	case isFragment(r):
		s.show(w, r, status, credentialOverlay(v))
	default:
		return v.below(status, screen{credentialOverlay(v)})
	}
	return nil
}

// fill reads a form: what is public into v, what is secret into the map that is returned. No secret goes back to the browser. What is public
// of a credential that gets a new key stays as it is.
func (v *credentialForm) fill(r *http.Request) (map[string]secret.Text, error) {
	if err := parseForm(r); err != nil {
		return nil, err
	}
	v.Name, v.Description = strings.TrimSpace(r.PostForm.Get("name")), description(r)
	v.Insisted, v.Keyless = r.PostForm.Get("insist") == "yes", r.PostForm.Get("keyless") == "yes"
	for _, f := range v.Definition.PublicFields() {
		if v.Rotate == nil && r.PostForm.Has(fieldPrefix+f.Name) {
			v.Public[f.Name] = strings.TrimSpace(r.PostForm.Get(fieldPrefix + f.Name))
		}
	}
	secrets := map[string]secret.Text{}
	for _, f := range v.Definition.SecretFields() {
		text, err := secret.Read(strings.NewReader(r.PostForm.Get(fieldPrefix + f.Name)))
		if err != nil {
			v.Errors[fieldPrefix+f.Name] = fmt.Sprintf("The key is longer than %d bytes.", secret.MaxLength)
		} else if !text.IsEmpty() {
			secrets[f.Name] = text
		}
	}
	return secrets, nil
}

// mayLackKey tells whether the key may be left out.
func (v credentialForm) mayLackKey() bool {
	return v.Rotate == nil && v.Definition.Credential.Auth.Optional
}

// lacksKey tells whether the key was left out by mistake, and notes it. Nobody should find out later that a credential has none.
func (v *credentialForm) lacksKey(secrets map[string]secret.Text) bool {
	field := v.Definition.Credential.Auth.Secret
	if !v.mayLackKey() || v.Keyless || !secrets[field].IsEmpty() {
		return false
	}
	v.Errors[fieldPrefix+field] = "Is required. Or choose to continue without a key."
	return true
}

func (v credentialForm) draft(secrets map[string]secret.Text) service.CredentialDraft {
	return service.CredentialDraft{Name: v.Name, Description: v.Description, Connector: v.Definition.Connector, Public: v.Public, Secrets: secrets}
}

func (v credentialForm) testing() service.Testing {
	if v.Insisted {
		return service.AllowRejected
	}
	return service.MustTest
}

// check notes all that is wrong with a form at its fields, without a call to anyone.
func (s *server) check(r *http.Request, v *credentialForm, secrets map[string]secret.Text) error {
	for range len(v.Public) + 3 { // every one that holds a key is emptied: nothing of it is shown again
		err := s.Service.CheckPlainFields(r.Context(), v.draft(secrets))
		if err == nil {
			break
		}
		v.notePlain(err)
	}
	if len(v.Errors) > 0 || v.Problem != "" {
		return nil
	}
	err := s.Service.CheckNewName(r.Context(), v.Name, "")
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Field == "name" {
		v.Errors["name"] = fieldSentence(e)
	} else if err != nil {
		return err
	}
	if e, ok := errors.AsType[*sallyport.Error](checkDescription(v.Description)); ok {
		v.Errors["description"] = fieldSentence(e)
	}
	if len(v.Errors) > 0 && v.secretError() {
		return nil
	}
	if v.lacksKey(secrets) {
		return nil
	}
	if _, err := v.Definition.CheckCredential(v.Public, secrets); err != nil {
		v.note(err)
	}
	return nil
}

// notePlain puts an error about a key in a plain field to that field, and forgets what was typed there.
func (v *credentialForm) notePlain(err error) {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok || e.Field == "" {
		v.Problem = sentence(err)
		return
	}
	field, public := strings.CutPrefix(e.Field, "public.")
	switch {
	case public:
		v.Errors[fieldPrefix+field], v.Public[field] = fieldSentence(e), ""
	case field == "name":
		v.Errors[field], v.Name = fieldSentence(e), ""
	default:
		v.Errors[field], v.Description = fieldSentence(e), ""
	}
}

func (v *credentialForm) secretError() bool {
	for _, f := range v.Definition.SecretFields() {
		if v.Errors[fieldPrefix+f.Name] != "" {
			return true
		}
	}
	return false
}

// note puts an error of the definition's check to its field.
func (v *credentialForm) note(err error) {
	e, ok := errors.AsType[*sallyport.Error](err)
	switch {
	case ok && e.Field != "" && e.Code == sallyport.Conflict:
		v.Errors[e.Field] = fieldSentence(e)
	case ok && e.Field != "":
		v.Errors[fieldPrefix+e.Field] = fieldSentence(e)
	default:
		v.Problem = sentence(err)
	}
}

func (s *server) add(w http.ResponseWriter, r *http.Request) error {
	d, err := s.definition(r)
	if err != nil {
		return err
	}
	return s.addWith(w, r, s.addForm(w, r, d))
}

// addWith stores what the overlay holds after a test, and leads back to the screen below it, where the new tile is selected.
func (s *server) addWith(w http.ResponseWriter, r *http.Request, v credentialForm) error {
	secrets, err := v.fill(r)
	if err != nil {
		return err
	}
	if err := s.check(r, &v, secrets); err != nil {
		return err
	}
	if len(v.Errors) > 0 || v.Problem != "" {
		return s.showOverlay(w, r, http.StatusUnprocessableEntity, v)
	}
	stored, err := s.Service.CreateCredential(r.Context(), auth.ActorOf(r.Context()), v.draft(secrets), v.testing())
	if err != nil {
		return s.refuse(w, r, v, err)
	}
	notice := fmt.Sprintf("%q is stored, sealed. %s: %s", stored.Name, verdictWords[stored.Verdict], verdictSentence(stored.Verdict, v.Definition.Name)) + warnings(secrets)
	if v.Into != "" && isPartial(r) {
		if text := warnings(secrets); text != "" {
			s.Auth.Notify(r.Context(), strings.TrimSpace(text))
		}
		return s.leadInto(w, v.Stored+string(stored.ID), v.Into)
	}
	return s.done(w, r, v.Stored+string(stored.ID), notice)
}

// refuse shows the form again after a key was not stored.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, v credentialForm, err error) error {
	unproved, ok := errors.AsType[*service.Unproved](err)
	if !ok {
		if sallyport.CodeOf(err) == sallyport.Internal {
			return err
		}
		if v.note(err); v.Rotate != nil && !v.secretError() { // what it is about is not in this form
			v.Problem = sentence(err)
		}
		return s.showOverlay(w, r, http.StatusUnprocessableEntity, v)
	}
	result := testOf(unproved.Probe, v.Definition.Name)
	told := verdictWords[result.Verdict] + ". " + result.Sentence + " " + result.Detail
	v.Insisted = false
	if result.Verdict == sallyport.VerdictRejected {
		v.Errors[fieldPrefix+v.secretField()] = told
		v.Insist = "Save anyway, although " + v.Definition.Name + " rejected this key. The activity log notes it as forced."
	} else {
		v.Problem = told
		v.Insist = "Save anyway, although the key could not be tested. The activity log notes it as forced."
	}
	return s.showOverlay(w, r, http.StatusUnprocessableEntity, v)
}

// secretField is the field of the key, to which a rejection belongs.
func (v credentialForm) secretField() string {
	if name := v.Definition.Credential.Auth.Secret; name != "" {
		return name
	}
	for _, f := range v.Definition.SecretFields() {
		return f.Name
	}
	return ""
}

// testDraft tests what is in the overlay. The form stays as it is, the key in it too.
func (s *server) testDraft(w http.ResponseWriter, r *http.Request) error {
	d, err := s.definition(r)
	if err != nil {
		return err
	}
	return s.test(w, r, s.addForm(w, r, d))
}

func (s *server) test(w http.ResponseWriter, r *http.Request, v credentialForm) error {
	secrets, err := v.fill(r)
	if err != nil {
		return err
	}
	for _, problem := range v.Errors {
		s.show(w, r, http.StatusOK, testProblem(problem))
		return nil
	}
	if v.lacksKey(secrets) {
		field := v.Definition.Credential.Auth.Secret
		s.show(w, r, http.StatusOK, testProblem("Nothing to test yet. "+v.label(field)+": "+v.Errors[fieldPrefix+field]))
		return nil
	}
	p, err := s.Service.TestDraft(r.Context(), auth.ActorOf(r.Context()), v.draft(secrets))
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Code == sallyport.Invalid {
		s.show(w, r, http.StatusOK, testProblem(fmt.Sprintf("Nothing to test yet. %s %s.", v.label(e.Field), e.Message)))
		return nil
	}
	if err != nil {
		return err
	}
	result := testOf(p, v.Definition.Name)
	if v.Keyless && p.Verdict == sallyport.VerdictValid {
		result.Sentence = v.Definition.Name + " responds without a key."
	}
	s.show(w, r, http.StatusOK, testResult(result))
	return nil
}

// label is what a form calls a field of the definition.
func (v credentialForm) label(field string) string {
	for _, f := range v.Definition.Credential.Fields {
		if f.Name == strings.TrimPrefix(field, "public.") && f.Label != "" {
			return f.Label
		}
	}
	return capital(field)
}

// testOf says in words what a test showed.
func testOf(p service.Probe, system string) testView {
	v := testView{Verdict: p.Verdict, Sentence: verdictSentence(p.Verdict, system), Took: p.Took}
	failure, ok := errors.AsType[*connector.Failure](p.Failure())
	switch {
	case ok && failure.Said() != "":
		v.Detail = fmt.Sprintf("It said: “%s” (HTTP %d).", failure.Said(), failure.Status)
	case ok && failure.Status != 0:
		v.Detail = fmt.Sprintf("It answered HTTP %d.", failure.Status)
	case p.Verdict == sallyport.VerdictUnreachable:
		v.Detail = capital(p.Reason) + "."
	}
	if ok && !failure.Until.IsZero() {
		v.Detail += " The next call is possible " + ago(failure.Until) + "."
	}
	return v
}

// fieldSentence is what stands at a field.
func fieldSentence(e *sallyport.Error) string {
	return capital(strings.TrimSuffix(e.Message, ".")) + "."
}

// rotateForm is the overlay in which a credential gets a new key.
func (s *server) rotateForm(w http.ResponseWriter, r *http.Request) (v credentialForm, err error) {
	c, err := s.Service.Credential(r.Context(), r.PathValue("id"))
	if err != nil {
		return v, err
	}
	d, err := s.Service.Catalogue.Definition(c.Connector)
	if err != nil {
		return v, err
	}
	path := "/credentials/" + string(c.ID) + "/rotate"
	return credentialForm{
		Definition: d, Rotate: &c.Credential, Path: path, Action: path, Test: path + "/test", Back: "/credentials",
		Public: c.Public, Errors: map[string]string{},
		below: func(status int, over screen) error { return s.showCredentials(w, r, status, nil, over) },
	}, nil
}

func (s *server) showRotate(w http.ResponseWriter, r *http.Request) error {
	v, err := s.rotateForm(w, r)
	if err != nil {
		return err
	}
	return s.showOverlay(w, r, http.StatusOK, v)
}

// rotate replaces a key by a new one once that is proved.
func (s *server) rotate(w http.ResponseWriter, r *http.Request) error {
	v, err := s.rotateForm(w, r)
	if err != nil {
		return err
	}
	secrets, err := v.fill(r)
	if err != nil {
		return err
	}
	if len(v.Errors) == 0 {
		if _, err := v.Definition.CheckCredential(v.Public, secrets); err != nil {
			v.note(err)
		}
	}
	if len(v.Errors) > 0 || v.Problem != "" {
		return s.showOverlay(w, r, http.StatusUnprocessableEntity, v)
	}
	c, err := s.Service.RotateCredential(r.Context(), auth.ActorOf(r.Context()), string(v.Rotate.ID), secrets, v.testing())
	if err != nil {
		return s.refuse(w, r, v, err)
	}
	return s.done(w, r, "/credentials?selected="+string(c.ID), fmt.Sprintf("%q has its new key. Revoke the old one at %s.", c.Name, v.Definition.Name)+warnings(secrets))
}

// warnings are the sentences about secrets that were stored, to follow a notice.
func warnings(secrets map[string]secret.Text) (text string) {
	for _, warning := range service.KeyWarnings(secrets) {
		text += " Warning: " + warning + "."
	}
	return text
}

func (s *server) testRotate(w http.ResponseWriter, r *http.Request) error {
	v, err := s.rotateForm(w, r)
	if err != nil {
		return err
	}
	return s.test(w, r, v)
}

func (s *server) showDelete(w http.ResponseWriter, r *http.Request) error {
	t, err := s.oneTile(r)
	if err != nil {
		return err
	}
	if isFragment(r) {
		s.show(w, r, http.StatusOK, deleteOverlay(deleteView{tile: t}))
		return nil
	}
	return s.showCredentials(w, r, http.StatusOK, nil, screen{deleteOverlay(deleteView{tile: t})})
}

func (s *server) deleteCredential(w http.ResponseWriter, r *http.Request) error {
	t, err := s.oneTile(r)
	if err != nil {
		return err
	}
	err = s.Service.DeleteCredential(r.Context(), auth.ActorOf(r.Context()), string(t.ID))
	if sallyport.CodeOf(err) != sallyport.Conflict {
		if err != nil {
			return err
		}
		return s.done(w, r, "/credentials", fmt.Sprintf("%q is deleted.", t.Name))
	}
	if t, err = s.oneTile(r); err != nil {
		return err
	}
	if isFragment(r) {
		s.show(w, r, http.StatusUnprocessableEntity, deleteForm(deleteView{tile: t}))
		return nil
	}
	return s.showCredentials(w, r, http.StatusUnprocessableEntity, nil, screen{deleteOverlay(deleteView{tile: t})})
}
