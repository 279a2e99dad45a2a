package secret

// alphabet is a set of bytes.
type alphabet [4]uint64

func (a *alphabet) has(b byte) bool { return a[b>>6]&(1<<(b&63)) != 0 }

func (a *alphabet) hasAny(text []byte) bool {
	for _, b := range text {
		if a.has(b) {
			return true
		}
	}
	return false
}

func (a *alphabet) add(text string) {
	for _, b := range []byte(text) {
		a[b>>6] |= 1 << (b & 63)
	}
}

func (a *alphabet) addAll(other alphabet) {
	for i := range a {
		a[i] |= other[i]
	}
}

// always are the bytes of which secrets consist in hexadecimal and base64, and escapes.
const always = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/-_#;" + starters

// census counts, for each byte, the secrets in which it is.
type census [256]int

// count counts a secret, or takes it back, and returns which bytes matter now.
func (c *census) count(secret string, by int) (matters alphabet) {
	var its alphabet
	its.add(secret)
	matters.add(always)
	for b := range c {
		if its.has(byte(b)) {
			c[b] += by
		}
		if c[b] > 0 {
			matters[b>>6] |= 1 << (b & 63)
		}
	}
	return matters
}
