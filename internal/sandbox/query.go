package sandbox

import (
	"net/http"
	"strings"
	"unicode"
)

// maxTerms bounds a query, and with it how deep its parentheses go.
const maxTerms = 100

// condition is one term of a query: field=value. A value alone has no field; of several values, separated by commas, one must fit.
type condition struct {
	field  string
	values []string // not empty
}

// parseQuery turns a query of Explore into a test. Terms are field=value, field!=value or a value alone. They are joined by and, & or && (or
// nothing), or, | or ||, not and parentheses. What stands in double quotes separates nothing. Term says what a term means.
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

// signs are the characters that are words of their own, twice in a row too.
const signs = "()&|"

// splitQuery cuts a query at spaces and around signs, but not within quotes; the quotes stay.
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
	switch {
	case strings.HasPrefix(q, "&&"), strings.HasPrefix(q, "||"):
		return 2
	case strings.ContainsRune(signs, rune(q[0])):
		return 1
	}
	if end := indexUnquoted(q, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(signs, r) }); end >= 0 {
		return end
	}
	return len(q)
}

// indexUnquoted returns where the first character that is wanted stands outside of quotes, -1 if none does.
func indexUnquoted(s string, wanted func(rune) bool) int {
	quoted := false
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case !quoted && wanted(r):
			return i
		}
	}
	return -1
}

// queryParser descends through the words: or binds least, not most.
type queryParser[T any] struct {
	words []string
	term  func(condition) (func(T) bool, error)
}

func (p *queryParser[T]) or() (func(T) bool, error) {
	left, err := p.and()
	for err == nil && p.take("or", "|", "||") {
		var right func(T) bool
		before := left
		right, err = p.and()
		left = func(t T) bool { return before(t) || right(t) }
	}
	return left, err
}

func (p *queryParser[T]) and() (func(T) bool, error) {
	left, err := p.not()
	for err == nil && (p.take("and", "&", "&&") || p.atTerm()) {
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
	return negated(p.not())
}

func negated[T any](test func(T) bool, err error) (func(T) bool, error) {
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
	if len(p.words) == 0 || p.isSign() || p.is("and") || p.is("or") {
		return nil, badQuery("a term is missing")
	}
	c, not, err := readCondition(p.words[0])
	if err != nil {
		return nil, err
	}
	p.words = p.words[1:]
	if not {
		return negated(p.term(c))
	}
	return p.term(c)
}

// readCondition takes a term apart: at its first equals sign, and its values at their commas.
func readCondition(word string) (c condition, not bool, err error) {
	values := word
	if at := indexUnquoted(word, func(r rune) bool { return r == '=' }); at >= 0 {
		field := word[:at]
		field, not = strings.CutSuffix(field, "!")
		c.field, values = strings.ToLower(unquoted(field)), word[at+1:]
		if c.field == "" || strings.ContainsAny(c.field, "<>") {
			return c, not, badQuery("terms are field=value or field!=value")
		}
	}
	for more := true; more; {
		value := values
		comma := indexUnquoted(values, func(r rune) bool { return r == ',' })
		if more = comma >= 0; more {
			value, values = values[:comma], values[comma+1:]
		}
		if value = unquoted(value); value == "" {
			return c, not, badQuery("a value is missing")
		}
		c.values = append(c.values, value)
	}
	return c, not, nil
}

func unquoted(s string) string { return strings.ReplaceAll(s, `"`, "") }

func (p *queryParser[T]) is(word string) bool {
	return len(p.words) > 0 && strings.EqualFold(p.words[0], word)
}

func (p *queryParser[T]) isSign() bool {
	return len(p.words) > 0 && strings.ContainsRune(signs, rune(p.words[0][0]))
}

// take consumes the next word if it is one of these.
func (p *queryParser[T]) take(words ...string) bool {
	for _, word := range words {
		if p.is(word) {
			p.words = p.words[1:]
			return true
		}
	}
	return false
}

// atTerm tells whether a term follows that nothing joins to the one before.
func (p *queryParser[T]) atTerm() bool {
	return len(p.words) > 0 && !p.is("or") && (!p.isSign() || p.is("("))
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

// patterns matches what one of several patterns matches.
func patterns(globs []string) func(string) bool { return anyOf(globs, pattern) }

// anyOf makes a test of each value, and passes what passes one of them.
func anyOf[T any](values []string, test func(string) func(T) bool) func(T) bool {
	var all []func(T) bool
	for _, value := range values {
		all = append(all, test(value))
	}
	return func(t T) bool {
		for _, is := range all {
			if is(t) {
				return true
			}
		}
		return false
	}
}
