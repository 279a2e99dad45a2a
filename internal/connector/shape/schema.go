package shape

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxSchema bounds a schema, in bytes.
const MaxSchema = 256 << 10

// maxDepth bounds how deep a schema leads.
const maxDepth = 12

// schema is the part of JSON Schema that shapes are declared in. Any other keyword is an error, so that none is without effect.
type schema struct {
	Dialect     string             `json:"$schema"`
	ID          string             `json:"$id"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Type        typeNames          `json:"type"`
	Format      string             `json:"format"`
	Examples    []jsontext.Value   `json:"examples"`
	Properties  properties         `json:"properties"`
	Others      *schema            `json:"additionalProperties"`
	Items       *schema            `json:"items"`
	Ref         string             `json:"$ref"`
	Defs        map[string]*schema `json:"$defs"`
	Own         *own               `json:"x-sallyport"`
}

// own is the keyword x-sallyport, which says what JSON Schema has no words for: in which other ways a system sends a value.
type own struct {
	Also      []string `json:"also"`      // other names of the member
	Separator string   `json:"separator"` // of a list: stands between its values in one text
	Flag      string   `json:"flag"`      // of a text: the word, alone or behind a colon, that means that the boolean of this name is true; otherwise it is false, or null if that is a type of it
	Reason    string   `json:"reason"`    // of that boolean: a text in its place means true, and goes to the member of this name
	Rows      *ownRows `json:"rows"`      // of an object of objects of lists: its members may be lists of rows
}

// ownRows names the members of rows.
type ownRows struct {
	Name    string `json:"name"`    // says to which list the value belongs
	Value   string `json:"value"`   // the value
	Current string `json:"current"` // false: the value was there, and is not any more
	Group   string `json:"group"`   // of kept rows: the member that they were in
	Keep    string `json:"keep"`    // the list beside the object that keeps the rows
}

// typeNames is one type or several, of which null may be one.
type typeNames []string

// UnmarshalJSON takes a string or a list of them.
func (t *typeNames) UnmarshalJSON(text []byte) error {
	if kindOf(text) == '"' {
		*t = []string{""}
		return json.Unmarshal(text, &(*t)[0])
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// properties are declared members in their order.
type properties []property

type property struct {
	name string
	*schema
}

// UnmarshalJSONFrom reads the members of an object in their order.
func (p *properties) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	if token, err := from.ReadToken(); err != nil || token.Kind() != '{' {
		return errors.Join(err, errors.New("properties must be an object"))
	}
	for from.PeekKind() != '}' {
		name, err := from.ReadToken()
		if err != nil {
			return err
		}
		one := property{name.String(), new(schema)}
		if err := json.UnmarshalDecode(from, one.schema); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	_, err := from.ReadToken()
	return err
}

// New compiles a JSON Schema.
func New(text []byte) (*Shape, error) {
	if len(text) > MaxSchema {
		return nil, fmt.Errorf("the schema is longer than %d bytes", MaxSchema)
	}
	root := new(schema)
	if err := json.Unmarshal(text, root, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("the schema cannot be read: %w", err)
	}
	c := compiler{root.Defs}
	form, err := c.node("$", root, 0)
	if err != nil {
		return nil, err
	}
	if form.kind != kindObject || len(form.fields) == 0 {
		return nil, errors.New("$: a record is an object that declares its properties")
	}
	return &Shape{form, bytes.Clone(text)}, nil
}

type compiler struct{ defs map[string]*schema }

// node compiles the schema of the value at a path.
func (c compiler) node(at string, s *schema, depth int) (*node, error) {
	description := s.Description
	if s.Ref != "" {
		target, ok := c.defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		if !ok || target == nil {
			return nil, fmt.Errorf("%s: $ref leads to no schema in $defs of this file", at)
		}
		s = target
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: is more than %d levels deep", at, maxDepth)
	}
	kind, err := kindOfSchema(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	to := &node{kind: kind, description: s.Description}
	if description != "" {
		to.description = description
	}
	switch kind {
	case kindList:
		return to, c.listNode(at, to, s, depth)
	case kindObject:
		return to, c.objectNode(at, to, s, depth)
	}
	return to, nil
}

// kindOfSchema is the kind of the values that a schema describes.
func kindOfSchema(s *schema) (kind, error) {
	types := slices.DeleteFunc(slices.Clone(s.Type), func(name string) bool { return name == "null" })
	switch {
	case len(types) == 0 && len(s.Type) == 0:
		return kindAny, nil
	case len(types) != 1:
		return 0, errors.New("type must be one type, or one and null")
	}
	kinds := map[string]kind{
		"string": kindText, "integer": kindInteger, "number": kindNumber, "boolean": kindBoolean, "array": kindList, "object": kindObject,
	}
	found, ok := kinds[types[0]]
	switch {
	case !ok:
		return 0, fmt.Errorf("type %q is none of JSON Schema", types[0])
	case s.Format != "" && (s.Format != "date-time" || found != kindText):
		return 0, errors.New("format is date-time, of a string, or absent")
	case (s.Properties != nil || s.Others != nil) && found != kindObject, s.Items != nil && found != kindList:
		return 0, fmt.Errorf("properties belong to an object, items to an array, not to type %s", types[0])
	case s.Format != "":
		return kindTime, nil
	}
	return found, nil
}

func (c compiler) listNode(at string, to *node, s *schema, depth int) (err error) {
	if s.Items == nil {
		return fmt.Errorf("%s: items are required", at)
	}
	if s.Own != nil {
		to.separator = s.Own.Separator
	}
	to.items, err = c.node(at+"[]", s.Items, depth+1)
	return err
}

func (c compiler) objectNode(at string, to *node, s *schema, depth int) (err error) {
	if s.Others != nil {
		if to.others, err = c.node(at+".*", s.Others, depth+1); err != nil {
			return err
		}
	}
	for _, p := range s.Properties {
		if err := c.field(at, to, p, depth); err != nil {
			return err
		}
	}
	for i, p := range s.Properties {
		if err := link(to, i, p.Own); err != nil {
			return fmt.Errorf("%s.%s: %w", at, p.name, err)
		}
	}
	return nil
}

func (c compiler) field(at string, to *node, p property, depth int) error {
	quoted, err := jsontext.AppendQuote(nil, p.name)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", at, p.name, err)
	}
	form, err := c.node(at+"."+p.name, p.schema, depth+1)
	if err != nil {
		return err
	}
	if to.index == nil {
		to.index = map[string]int{}
	}
	to.index[p.name] = len(to.fields)
	to.fields = append(to.fields, field{name: p.name, inQuotes: string(quoted), quoted: string(quoted) + ":", node: form,
		unknown: slices.Contains(p.Type, "null")})
	return nil
}

// link compiles what a member has to do with others.
func link(to *node, i int, o *own) error {
	if o == nil {
		return nil
	}
	for _, name := range o.Also {
		if to.also == nil {
			to.also = map[string]int{}
		}
		if _, taken := to.index[name]; taken {
			return fmt.Errorf("also: %s is a member of its own", name)
		}
		to.also[name] = i
	}
	switch f := &to.fields[i]; {
	case o.Flag != "":
		return linkFlag(to, i, o.Flag)
	case o.Reason != "":
		other, ok := to.index[o.Reason]
		if !ok || f.kind != kindBoolean || f.role != roleFlag || to.fields[other].kind != kindText {
			return errors.New("reason: names a string, beside a boolean that a flag is for and that comes after the one with the flag")
		}
		f.explained = true
		to.fields[other].role, to.fields[other].of = roleReason, i
	case o.Rows != nil:
		return linkRows(to, i, o.Rows)
	case o.Separator != "" && f.kind != kindList:
		return errors.New("separator: belongs to an array")
	}
	return nil
}

func linkFlag(to *node, i int, name string) error {
	level := &to.fields[i]
	other, ok := to.index[name]
	if !ok || level.kind != kindText || to.fields[other].kind != kindBoolean {
		return errors.New("flag: of a string, names a boolean beside it")
	}
	level.role, level.word = roleLevel, name
	flag := &to.fields[other]
	flag.role, flag.of, flag.word = roleFlag, i, name
	return nil
}

func linkRows(to *node, i int, r *ownRows) error {
	f := &to.fields[i]
	nested := f.kind == kindObject && f.others != nil && f.others.kind == kindObject && f.others.others != nil && f.others.others.kind == kindList
	if !nested || r.Name == "" || r.Value == "" {
		return errors.New("rows: of an object of objects of arrays, with the names of the members name and value")
	}
	f.rows = &rows{name: r.Name, value: r.Value, current: r.Current, group: r.Group}
	if r.Keep == "" {
		return nil
	}
	other, ok := to.index[r.Keep]
	if !ok || to.fields[other].kind != kindList || r.Group == "" {
		return errors.New("rows: keep names an array beside the object, group the member of its elements that names the group")
	}
	to.fields[other].role, to.fields[other].of = roleHistory, i
	return nil
}
