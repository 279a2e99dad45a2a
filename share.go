package sallyport

import (
	"fmt"
	"strconv"
	"strings"
)

// Off is the share that is no limit.
const Off = "off"

// ParseShare reads a share of records: 1% to 99% as its number, and off as 0.
func ParseShare(text string) (percent int, err error) {
	if text == Off {
		return 0, nil
	}
	number, ok := strings.CutSuffix(text, "%")
	n, err := strconv.ParseUint(number, 10, 8)
	if !ok || err != nil || n < 1 || n > 99 {
		return 0, fmt.Errorf("invalid share %q: use a whole number from 1%% to 99%%, for example 50%%, or off", text)
	}
	return int(n), nil
}

// Thousands writes a number with commas between thousands: 12,345.
func Thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
