package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/service"
)

// importName is what a flow file is called that came through the pages, in the places of its faults.
const importName = "line"

// importView is a flow file that is to be applied.
type importView struct {
	Text    string
	Problem string
	Changes []service.FlowChange // what applying it would do; nil: it was not looked at yet
}

func (s *server) showImport(w http.ResponseWriter, r *http.Request) error {
	s.show(w, r, http.StatusOK, importPage(s.frame(r, "Import flows", "Flows"), importView{}))
	return nil
}

// importFlows says what a flow file would change, or applies it: all of it or, when it has a fault, nothing.
func (s *server) importFlows(w http.ResponseWriter, r *http.Request) error {
	text, err := importText(r)
	if err != nil {
		return err
	}
	v := importView{Text: text}
	apply := r.PostForm.Get("go") == "apply"
	v.Changes, err = s.Service.ApplyFlows(r.Context(), auth.ActorOf(r.Context()), []service.FlowFile{{Name: importName, Data: []byte(text)}}, !apply)
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Code != sallyport.Internal {
		v.Problem, v.Changes = capital(strings.TrimPrefix(e.Error(), importName+":")), nil
		s.show(w, r, http.StatusUnprocessableEntity, importPage(s.frame(r, "Import flows", "Flows"), v))
		return nil
	}
	if err != nil {
		return err
	}
	if apply {
		return s.done(w, r, "/flows", importedWords(v.Changes))
	}
	s.show(w, r, http.StatusOK, importPage(s.frame(r, "Import flows", "Flows"), v))
	return nil
}

// importText is the file that was chosen, or else the text that was typed.
func importText(r *http.Request) (string, error) {
	if err := parseForm(r); err != nil {
		return "", err
	}
	file, _, err := r.FormFile("file")
	if err != nil { // none was chosen
		return strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"), nil
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	return string(data), err
}

func importedWords(changes []service.FlowChange) string {
	counts := map[string]int64{}
	for _, c := range changes {
		counts[c.Change]++
	}
	return fmt.Sprintf("%s created, %s changed, %s as before.", plural(counts[service.FlowCreated], "flow"), number(counts[service.FlowUpdated]), number(counts[service.FlowUnchanged]))
}
