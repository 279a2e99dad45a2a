package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

func (s *server) listActivity(w http.ResponseWriter, r *http.Request) error {
	before, err := beforeOf(r)
	if err != nil {
		return err
	}
	entries, err := s.Service.Audit(r.Context(), "", "", pageSize, before)
	if err != nil {
		return err
	}
	more := ""
	if len(entries) == pageSize {
		more = fmt.Sprintf("/activity?before=%d", entries[len(entries)-1].ID)
	}
	s.show(w, r, http.StatusOK, activityPage(s.frame(r, "Activity", "Activity"), entries, more))
	return nil
}

// whoWords is the name of who acted. Whoever was not let in may have none.
func whoWords(a sallyport.Actor) string {
	if a.Name == "" {
		return "somebody"
	}
	return a.Name
}

func actorWords(kind string) string {
	words := map[string]string{"cli": "at the command line", "run": "a run", "token": "by the API", "user": "at the pages", "system": "automatically"}
	if w, ok := words[kind]; ok {
		return w
	}
	return kind
}

// actionWords says in words what was done; an action that has none is shown as it is.
func actionWords(action string) string {
	words := map[string]string{
		"credential.create": "Credential added", "credential.open": "Key used", "credential.redact": "Keys opened for redaction", "credential.test": "Key tested",
		"credential.rotate": "Key rotated", "credential.update": "Credential edited", "credential.delete": "Credential deleted",
		"credential.quota": "Quota changed",
		"flow.apply":       "Flow applied", "flow.run": "Run started", "flow.deliver": "Delivery started", "flow.accept": "Held pull accepted", "flow.reject": "Held pull rejected", "flow.pause": "Flow paused",
		"flow.resume": "Flow resumed", "flow.reset": "Flow reset", "flow.delete": "Flow deleted", "auth.setup": "Set up", "auth.sign_in": "Signed in",
		"auth.sign_out": "Signed out", "auth.refused": "Not let in", "dataset.export": "Dataset exported",
		"quarantine.edit": "Record in quarantine edited", "quarantine.replay": "Quarantine replayed",
		"quarantine.discard": "Quarantine discarded", "keys.verify": "Keys verified",
		"file.grant": "File granted", "file.revoke": "File revoked", "file.use": "File named",
		"token.create": "Token made", "token.revoke": "Token revoked",
	}
	if w, ok := words[action]; ok {
		return w
	}
	return action
}

// objectWords is the name of what an entry is about, or else its id.
func objectWords(e sallyport.AuditEntry) string {
	if name := e.Detail["name"]; name != "" {
		return name
	}
	if strings.HasPrefix(string(e.Object), "usr_") || strings.HasPrefix(string(e.Object), "tok_") {
		return e.Actor.Name
	}
	return string(e.Object)
}

func detailWords(detail map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		if name != "name" {
			words = append(words, strings.ReplaceAll(name, "_", " ")+": "+detail[name])
		}
	}
	return strings.Join(words, ", ")
}
