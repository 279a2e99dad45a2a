package sqltable

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// affinity is what SQLite does with values that are stored in a column.
type affinity int

const (
	affinityNone    affinity = iota // stores them as they are
	affinityText                    // makes texts of numbers
	affinityNumeric                 // makes numbers of texts that look like one
	affinityReal                    // does so too, and makes floating-point numbers of integers
)

// affinityOf follows the rules of SQLite for the declared type of a column.
func affinityOf(declared string) affinity {
	declared = strings.ToUpper(declared)
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(declared, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return affinityNumeric
	case has("CHAR", "CLOB", "TEXT"):
		return affinityText
	case declared == "" || has("BLOB"):
		return affinityNone
	case has("REAL", "FLOA", "DOUB"):
		return affinityReal
	}
	return affinityNumeric
}

// declaredType is the type of a column for values of a kind. While only null was seen it has none, and so takes every value as it is.
func declaredType(kind sallyport.Kind) string {
	switch kind {
	case sallyport.KindNull:
		return ""
	case sallyport.KindBoolean:
		return "BOOLEAN"
	case sallyport.KindInteger:
		return "INTEGER"
	case sallyport.KindNumber:
		return "REAL"
	}
	return "TEXT"
}

// kindOf returns the kind of a value as a column sees it: numbers that only text can hold are strings.
func kindOf(value jsontext.Value) sallyport.Kind {
	switch value.Kind() {
	case 'n':
		return sallyport.KindNull
	case 't', 'f':
		return sallyport.KindBoolean
	case '0':
		switch numberOf(value).(type) {
		case int64:
			return sallyport.KindInteger
		case float64:
			return sallyport.KindNumber
		}
	}
	return sallyport.KindString
}

// widest returns the kind whose column takes values of both.
func widest(a, b sallyport.Kind) sallyport.Kind {
	switch {
	case a == b || b == sallyport.KindNull:
		return a
	case a == sallyport.KindNull:
		return b
	case a == sallyport.KindInteger && b == sallyport.KindNumber, a == sallyport.KindNumber && b == sallyport.KindInteger:
		return sallyport.KindNumber
	}
	return sallyport.KindMixed
}

// numberOf returns a number as the int64 or float64 that is exactly it, nil if there is none.
func numberOf(number jsontext.Value) any {
	if !bytes.ContainsAny(number, ".eE") && string(number) != "-0" {
		if i, err := strconv.ParseInt(string(number), 10, 64); err == nil {
			return i
		}
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return nil
	}
	var shortest [32]byte
	digits, exponent, ok := connector.Decimal(number)
	sameDigits, sameExponent, _ := connector.Decimal(strconv.AppendFloat(shortest[:0], f, 'e', -1, 64))
	if !ok || digits != sameDigits || exponent != sameExponent {
		return nil
	}
	return f
}

// looksNumeric tells whether SQLite may take a text for a number. It looks no further than to a NUL.
func looksNumeric(text []byte) bool {
	text, _, _ = bytes.Cut(text, []byte{0})
	text = bytes.Trim(text, " \t\n\v\f\r")
	unsigned := bytes.TrimLeft(text, "+-")
	if len(unsigned) == 0 || unsigned[0] != '.' && (unsigned[0] < '0' || unsigned[0] > '9') {
		return false
	}
	_, err := strconv.ParseFloat(string(text), 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}
