package changes

import "strconv"

// number reads the number ahead. Numbers of one value have one hash, however they are written: 100, 100.0 and 1e2 do, 0 and -0, too.
func (r *Reader) number() uint64 {
	begin := r.at
	negative := begin < len(r.in) && r.in[begin] == '-'
	if negative {
		r.at++
	}
	digits, exponent := r.mantissa()
	if r.at == begin || len(digits) == 0 && r.at == begin+1 && negative {
		return r.fail()
	}
	exponent += r.exponent()
	for ; len(digits) > 0 && digits[len(digits)-1] == '0'; digits = digits[:len(digits)-1] {
		exponent++
	}
	if len(digits) == 0 {
		return r.seed.hash(nil, ofNumber)
	}
	hash := r.seed.hash(digits, ofNumber)
	if exponent != 0 {
		hash = r.seed.mix(hash^uint64(exponent), ofNumber) | 1
	}
	if negative {
		hash = r.seed.mix(hash, ofFalse) | 1
	}
	return hash
}

// mantissa reads the digits of a number, without zeros in front, and how far they stand behind the point.
func (r *Reader) mantissa() (digits []byte, exponent int64) {
	r.digits = r.digits[:0]
	point := false
	for ; r.at < len(r.in); r.at++ {
		c := r.in[r.at]
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c < '0' || c > '9':
			return r.digits, exponent
		case c != '0' || len(r.digits) > 0:
			r.digits = append(r.digits, c)
		}
		if point {
			exponent--
		}
	}
	return r.digits, exponent
}

// exponent reads what follows an e. One that no machine can hold is as large as one can be.
func (r *Reader) exponent() int64 {
	if r.at >= len(r.in) || r.in[r.at]|0x20 != 'e' {
		return 0
	}
	r.at++
	begin := r.at
	for r.at < len(r.in) && (r.in[r.at] >= '0' && r.in[r.at] <= '9' || r.in[r.at] == '-' || r.in[r.at] == '+') {
		r.at++
	}
	n, err := strconv.ParseInt(string(r.in[begin:r.at]), 10, 48)
	if err != nil && n == 0 {
		r.fail()
	}
	return n
}
