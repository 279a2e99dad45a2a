package connector

import (
	"strconv"
	"strings"
)

// Decimal returns the digits of a number without zeros around them, and the power of ten to multiply them by. It is not ok if the power is
// too large to count.
func Decimal(number []byte) (digits string, exponent int, ok bool) {
	mantissa, power, scientific := strings.Cut(strings.ToLower(string(number)), "e")
	if scientific {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return "", 0, false
		}
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	if short == "" {
		exponent = 0
	}
	return short, exponent, true
}
