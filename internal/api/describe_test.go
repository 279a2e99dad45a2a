package api_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
)

//go:generate go test -run ^TestComments$ -update

const commentsFile = "comments.json"

// TestComments keeps what the document says of fields equal to the comments of the Go types.
func TestComments(t *testing.T) {
	t.Parallel()
	known := goComments(t)
	said := map[string]map[string]string{}
	for name := range document().Components.Schemas.Map() {
		for _, f := range fieldsOf(document().Components.Schemas.TypeFromRef("#/components/schemas/" + name)) {
			if comment := known[f.comment]; comment != "" {
				if said[name] == nil {
					said[name] = map[string]string{}
				}
				said[name][f.property] = strings.ReplaceAll(comment, "\n", " ")
			}
		}
	}
	want, err := json.MarshalIndent(said, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(commentsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(commentsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s does not follow from the Go types (write it with go generate ./internal/api):\n%s", commentsFile, diff)
	}
}

func goComments(t *testing.T) map[string]string {
	t.Helper()
	r := new(jsonschema.Reflector)
	for _, dir := range []string{"../..", "../connector", "../quota", "../service"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := r.AddGoComments("github.com/sallyport-io/sallyport/internal/api", file, jsonschema.WithFullComment()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r.CommentMap
}

// goField is a field of a Go type, as JSON and as the comments call it.
type goField struct{ property, comment string }

func fieldsOf(t reflect.Type) (fields []goField) {
	for _, f := range reflect.VisibleFields(t) {
		property, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if property == "" || property == "-" {
			continue
		}
		owner := t
		for _, i := range f.Index[:len(f.Index)-1] {
			if owner = owner.Field(i).Type; owner.Kind() == reflect.Pointer {
				owner = owner.Elem()
			}
		}
		fields = append(fields, goField{property, owner.PkgPath() + "." + owner.Name() + "." + f.Name})
	}
	return fields
}
