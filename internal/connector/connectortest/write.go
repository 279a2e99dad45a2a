package connectortest

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

func order(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 3)...)
	p.write(2, numbered(4, 4)...)
	p.commit()
	p.write(3, numbered(5, 9)...)
	p.commit()
	p.has(numbered(1, 9)...)
}

func severalCommits(p *place) {
	state := ""
	for i := range 5 {
		p.reopen(state)
		p.write(int64(2*i+1), numbered(20*i+1, 20*i+10)...)
		p.commit()
		p.write(int64(2*i+2), numbered(20*i+11, 20*i+20)...)
		state = p.commit()
	}
	p.has(numbered(1, 100)...)
}

func emptyBatches(p *place) {
	p.reopen("")
	state := p.commit()
	p.reopen(state)
	p.write(1)
	state = p.commit()
	p.reopen(state)
	p.write(2, numbered(1, 2)...)
	p.write(3)
	p.commit()
	p.commit()
	p.write(4)
	p.write(5, numbered(3, 3)...)
	state = p.commit()
	p.reopen(state)
	p.has(numbered(1, 3)...)
}

func tenThousand(p *place) {
	p.reopen("")
	for seq, records := range slices.Collect(slices.Chunk(numbered(1, 10_000), 2_500)) {
		p.write(int64(seq+1), records...)
	}
	p.commit()
	p.has(numbered(1, 10_000)...)
}

func values(p *place) {
	records := []string{
		`{"id":1,"text":"plain","nested":{"b":1,"a":[1,{"c":null}]},"list":[],"yes":true,"integer":0,"big":1,"huge":1,"decimal":0.1}`,
		`{"id":2,"text":"quo\"tes, 'commas'; back\\slash","yes":false,"integer":-1,"big":9007199254740993,"decimal":-0.25}`,
		`{"id":3,"text":"line\nbreaks\r\nand\ttabs\u2028\u0001\u0000.","integer":9223372036854775807,"big":18446744073709551615,"decimal":1.5e+300}`,
		`{"id":4,"text":"Grüße 漢字 🦊 \u00e9","integer":-9223372036854775808,"huge":123456789012345678901234567890}`,
		`{"id":5,"text":" spaces ","decimal":3.141592653589793238462643383279,"huge":-0.000000000000000000000000000012345678901234567}`,
		`{"id":6,"text":"007","++code":"200","a \"b\".c":"odd names","nested":{"++code":"{\"\\n\""},"list":[[],{},"é",null]}`,
		`{"long":"` + strings.Repeat("0123456789abcdef", 1<<16) + `","id":7}`,
	}
	p.reopen("")
	p.write(1, records...)
	state := p.commit()
	p.reopen(state)
	p.write(2, `{"id":8,"text":"again","big":340282366920938463463374607431768211456}`)
	p.commit()
	p.has(append(records, `{"id":8,"text":"again","big":340282366920938463463374607431768211456}`)...)
}

func nullAndAbsent(p *place) {
	records := []string{
		`{"id":1,"text":"a","yes":true,"nested":{"n":null}}`,
		`{"id":2,"text":null,"yes":null,"nested":null}`,
		`{"id":3}`,
		`{"id":4,"decimal":null}`,
	}
	p.reopen("")
	p.write(1, records...)
	p.commit()
	p.has(records...)
}

func rejected(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 2)...)
	records := append(numbered(3, 5), p.harness.Misfit)
	records = append(append(records, numbered(6, 7)...), p.harness.Misfit)
	result, err := p.open.Write(p.Context(), batch(2, records...))
	if err != nil {
		p.Fatal(err)
	}
	var indexes []int
	for _, r := range result.Rejected {
		indexes = append(indexes, r.Index)
		if r.Reason == "" || len(r.Reason) > 500 || strings.Contains(r.Reason, "hidden") {
			p.Errorf("the reason %q must be short, and without values", r.Reason)
		}
	}
	if diff := cmp.Diff([]int{3, 6}, indexes); diff != "" || result.Accepted != 5 {
		p.Errorf("%d accepted, rejected (-want +got):\n%s", result.Accepted, diff)
	}
	p.commit()
	p.has(numbered(1, 7)...)
}
