package shape

import (
	"fmt"
)

// Field is a declared member of a record, for people.
type Field struct {
	Path        string // such as redirects.from[].iid; * stands for any name
	Type        string
	Description string
}

// Fields lists what a record has, in its order.
func (s *Shape) Fields() []Field { return s.root.list("", nil) }

// Has tells whether a record has a declared member of this name.
func (s *Shape) Has(name string) bool {
	_, ok := s.root.index[name]
	return ok
}

func (to *node) list(at string, all []Field) []Field {
	for i := range to.fields {
		f := &to.fields[i]
		all = append(all, Field{at + f.name, f.typeName(), f.description})
		all = f.inner(at+f.name, all)
	}
	return all
}

// inner lists what is in a value at a path.
func (to *node) inner(at string, all []Field) []Field {
	switch {
	case to.kind == kindList:
		return to.items.inner(at+"[]", all)
	case to.kind == kindObject && to.others != nil && len(to.fields) == 0:
		return to.others.inner(at+".*", all)
	}
	return to.list(at+".", all)
}

// typeName says what a value is, in words.
func (to *node) typeName() string {
	switch {
	case to.kind == kindList:
		return "list of " + to.items.typeName()
	case to.kind == kindObject && to.others != nil && len(to.fields) == 0:
		return "object: name → " + to.others.typeName()
	}
	return [...]string{"anything", "text", "integer", "number", "boolean", "time", "list", "object"}[to.kind]
}

// Check says where a record is not of the shape: a declared member that is not in its place, or holds neither its type, nor the text that a value of
// no type stays as, nor null. Normalised records always pass.
func (s *Shape) Check(record []byte) error { return s.root.check("$", record) }

func (to *node) check(at string, value []byte) error {
	c := kindOf(value)
	fits := true
	switch to.kind {
	case kindText, kindTime:
		fits = c == '"' || c == 'n'
	case kindInteger, kindNumber:
		fits = c == '"' || c == 'n' || isNumber(value)
	case kindBoolean:
		fits = c == '"' || c == 'n' || c == 't' || c == 'f'
	case kindList:
		return to.checkList(at, value)
	case kindObject:
		if c != '"' {
			return to.checkObject(at, value)
		}
	}
	if !fits {
		return fmt.Errorf("%s: is %s, not %s", at, value, to.typeName())
	}
	return nil
}

func (to *node) checkList(at string, value []byte) error {
	if kindOf(value) != '[' {
		return fmt.Errorf("%s: is no list", at)
	}
	for m := enter(value); m.next(); {
		if err := to.items.check(at+"[]", m.value); err != nil {
			return err
		}
	}
	return nil
}

func (to *node) checkObject(at string, value []byte) error {
	if kindOf(value) != '{' {
		return fmt.Errorf("%s: is no object", at)
	}
	i := 0
	for m := enter(value); m.next(); i++ {
		switch {
		case i < len(to.fields):
			f := &to.fields[i]
			if string(m.name) != f.inQuotes {
				return fmt.Errorf("%s: %s stands where %s should", at, m.name, f.name)
			}
			if err := f.check(at+"."+f.name, m.value); err != nil {
				return err
			}
		case to.others != nil:
			if err := to.others.check(at+".*", m.value); err != nil {
				return err
			}
		}
	}
	if i < len(to.fields) {
		return fmt.Errorf("%s: %s is missing", at, to.fields[i].name)
	}
	return nil
}
