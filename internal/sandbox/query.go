package sandbox

import (
	"net/http"
	"strings"
	"unicode"
)

// maxTerms bounds a query, and with it how deep its parentheses go.
const maxTerms = 100

// condition is one term of a query.
type condition struct {
	field, value string
	op           string // =, <, <=, > or >=
}

// parseQuery turns a query of Explore into a test. Terms are field=value, joined by and (or nothing), or, not and parentheses; a value with
// spaces or parentheses stands in double quotes. Times may be compared with <, <=, > and >= too. Term says what a term means.
func parseQuery[T any](q string, term func(condition) (func(T) bool, error)) (func(T) bool, error) {
	words := splitQuery(q)
	if len(words) > maxTerms {
		return nil, badQuery("too long")
	}
	p := &queryParser[T]{words: words, term: term}
	test, err := p.or()
	switch {
	case err != nil:
		return nil, err
	case len(p.words) > 0:
		return nil, badQuery("closing parenthesis without an opening one")
	}
	return test, nil
}

func badQuery(what string) error { return refuse(http.StatusBadRequest, "Invalid query: %s.", what) }

// splitQuery cuts a query at spaces and around parentheses, but not within quotes; the quotes stay.
func splitQuery(q string) []string {
	var words []string
	for {
		q = strings.TrimLeftFunc(q, unicode.IsSpace)
		if q == "" || len(words) > maxTerms {
			return words
		}
		end := wordEnd(q)
		words = append(words, q[:end])
		q = q[end:]
	}
}

func wordEnd(q string) int {
	if q[0] == '(' || q[0] == ')' {
		return 1
	}
	quoted := false
	for i, r := range q {
		switch {
		case r == '"':
			quoted = !quoted
		case !quoted && (unicode.IsSpace(r) || r == '(' || r == ')'):
			return i
		}
	}
	return len(q)
}

// queryParser descends through the words: or binds least, not most.
type queryParser[T any] struct {
	words []string
	term  func(condition) (func(T) bool, error)
}

func (p *queryParser[T]) or() (func(T) bool, error) {
	left, err := p.and()
	for err == nil && p.take("or") {
		var right func(T) bool
		before := left
		right, err = p.and()
		left = func(t T) bool { return before(t) || right(t) }
	}
	return left, err
}

func (p *queryParser[T]) and() (func(T) bool, error) {
	left, err := p.not()
	for err == nil && (p.take("and") || p.atTerm()) {
		var right func(T) bool
		before := left
		right, err = p.not()
		left = func(t T) bool { return before(t) && right(t) }
	}
	return left, err
}

func (p *queryParser[T]) not() (func(T) bool, error) {
	if !p.take("not") {
		return p.primary()
	}
	test, err := p.not()
	return func(t T) bool { return !test(t) }, err
}

func (p *queryParser[T]) primary() (func(T) bool, error) {
	if p.take("(") {
		test, err := p.or()
		if err == nil && !p.take(")") {
			return nil, badQuery("opening parenthesis without a closing one")
		}
		return test, err
	}
	if len(p.words) == 0 {
		return nil, badQuery("unexpected end")
	}
	c, ok := readCondition(p.words[0])
	if !ok {
		return nil, badQuery("terms are field=value")
	}
	p.words = p.words[1:]
	return p.term(c)
}

// readCondition takes a term apart at its first operator.
func readCondition(word string) (c condition, ok bool) {
	at := strings.IndexAny(word, "=<>")
	if at < 1 {
		return c, false
	}
	c.field, c.op = strings.ToLower(word[:at]), word[at:at+1]
	if c.op != "=" && strings.HasPrefix(word[at+1:], "=") {
		c.op += "="
	}
	c.value = strings.Trim(word[at+len(c.op):], `"`)
	return c, c.value != ""
}

// take consumes a word if it is the next one.
func (p *queryParser[T]) take(word string) bool {
	if len(p.words) == 0 || !strings.EqualFold(p.words[0], word) {
		return false
	}
	p.words = p.words[1:]
	return true
}

// atTerm tells whether a term follows that nothing joins to the one before.
func (p *queryParser[T]) atTerm() bool {
	return len(p.words) > 0 && p.words[0] != ")" && !strings.EqualFold(p.words[0], "or")
}

// pattern matches whole texts in any case; a * stands for any text.
func pattern(glob string) func(string) bool {
	parts := strings.Split(strings.ToLower(glob), "*")
	first, rest := parts[0], parts[1:]
	return func(s string) bool {
		s, ok := strings.CutPrefix(strings.ToLower(s), first)
		if !ok || len(rest) == 0 {
			return ok && s == ""
		}
		last := len(rest) - 1
		for _, part := range rest[:last] {
			if _, s, ok = strings.Cut(s, part); !ok {
				return false
			}
		}
		return strings.HasSuffix(s, rest[last])
	}
}
