package shape

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDigits bounds the whole numbers that every program can hold.
const maxDigits = 18

// scalar writes a value that is there in the form of a kind, or as text if it does not fit.
func (n *Normaliser) scalar(to kind, value []byte) {
	text := plain(value)
	switch {
	case to == kindInteger && isInteger(text), to == kindNumber && (isDecimal(text) || value[0] != '"' && isNumber(value)):
		n.out = append(n.out, text...)
	case to == kindBoolean && isTrue(text):
		n.out = append(n.out, "true"...)
	case to == kindBoolean && isFalse(text):
		n.out = append(n.out, "false"...)
	default:
		n.asText(value)
	}
}

// asText writes a value as a string: anything but a string as it is written.
func (n *Normaliser) asText(value []byte) {
	if value[0] == '"' {
		n.out = append(n.out, value...)
		return
	}
	n.out, _ = jsontext.AppendQuote(n.out, value) // what is no UTF-8 is replaced
}

func isTrue(text []byte) bool  { return string(text) == "1" || string(text) == "true" }
func isFalse(text []byte) bool { return string(text) == "0" || string(text) == "false" }

// isInteger tells whether a text is a whole number as JSON writes it, of no more digits than every program can hold.
func isInteger(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("-"))
	if len(text) == 0 || len(text) > maxDigits || text[0] == '0' && len(text) > 1 {
		return false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isDecimal tells whether a text is a whole number or a decimal fraction.
func isDecimal(text []byte) bool {
	whole, fraction, found := bytes.Cut(text, []byte("."))
	if !found {
		return isInteger(whole)
	}
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return false
		}
	}
	return isInteger(whole) && len(fraction) > 0 && len(fraction) <= maxDigits
}

// isNumber tells whether a value is written as a number.
func isNumber(value []byte) bool { return value[0] == '-' || value[0] >= '0' && value[0] <= '9' }

// zeroDate is how a database writes no date.
const zeroDate = "0000-00-00"

// time writes a time that came as YYYY-MM-DD HH:MM:SS in UTC, the hour with one digit or two, as RFC 3339. Any other text stays.
func (n *Normaliser) time(quoted []byte) {
	text := quoted[1 : len(quoted)-1]
	if bytes.HasPrefix(text, []byte(zeroDate)) && len(bytes.Trim(text, "0-: T")) == 0 {
		n.out = append(n.out, "null"...)
		return
	}
	hour, ok := clock(text)
	if !ok {
		n.out = append(n.out, quoted...)
		return
	}
	n.out = append(append(append(n.out, '"'), text[:10]...), 'T')
	if hour == 1 {
		n.out = append(n.out, '0')
	}
	n.out = append(append(n.out, text[11:]...), `Z"`...)
}

// clock tells whether a text is a time of the form YYYY-MM-DD HH:MM:SS, and how many digits its hour has.
func clock(text []byte) (hour int, ok bool) {
	hour = len(text) - len("YYYY-MM-DD :MM:SS")
	if hour != 1 && hour != 2 || text[10] != ' ' && text[10] != 'T' {
		return 0, false
	}
	year, month, day := digits(text[:4]), digits(text[5:7]), digits(text[8:10])
	h, m, s := digits(text[11:11+hour]), digits(text[12+hour:14+hour]), digits(text[15+hour:])
	separated := text[4] == '-' && text[7] == '-' && text[11+hour] == ':' && text[14+hour] == ':'
	date := year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
	return hour, separated && date && h >= 0 && h < 24 && m >= 0 && m < 60 && s >= 0 && s < 60
}

// digits is the number that some digits are, -1 if they are none.
func digits(text []byte) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
