package secret

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// many makes up secrets like those of one system: they begin alike.
func many(n, length int) []Text {
	all := make([]Text, n)
	for i := range all {
		body := fmt.Sprintf("%08d%x", i*7919, uint64(i+1)*0x9E3779B97F4A7C15)
		all[i] = New("sk_live_" + strings.Repeat(body, (length+len(body))/len(body))[:length-8])
	}
	return all
}

// page is 100 KB of records.
func page(record string) []byte { return []byte(strings.Repeat(record, 100_000/len(record))) }

const (
	plainRecord   = `{"iid":4711,"indicator":"host-4711.example.net","type":"domain","risk":"medium","stamp_added":"2026-01-01 00:00:00"},`
	escapedRecord = `{"iid":4711,"indicator":"https:\/\/host-4711.example.net\/a%20b","type":"url","risk":"medium","note":"a \"quoted\" text"},`
)

func BenchmarkRedact(b *testing.B) {
	for _, n := range []int{1, 10, 10_000} {
		r := NewRedactor(many(n, 32)...)
		for name, record := range map[string]string{"plain": plainRecord, "escaped": escapedRecord} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				text := page(record)
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					r.Bytes(text)
				}
			})
		}
	}
}

// BenchmarkRecord redacts one record, as the main job does with each.
func BenchmarkRecord(b *testing.B) {
	r := NewRedactor(many(10, 32)...).Distinctive().With(many(11, 32)[10])
	for name, record := range map[string]string{"plain": plainRecord, "escaped": escapedRecord} {
		b.Run(name, func(b *testing.B) {
			text := []byte(strings.TrimSuffix(record, ","))
			b.ReportAllocs()
			for b.Loop() {
				r.Record(text)
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := NewRedactor(many(n, 32)...)
			s := New("another-key-0123456789")
			b.ReportAllocs()
			for b.Loop() {
				r.Add(s)
				r.Forget(s)
			}
		})
	}
}

// TestKnowingManyCostsLittle counts what is allocated and looked at, not time: with 10,000 secrets, adding one more and searching a page may
// take ten times as much as with 10, and they keep little memory, however long they are.
func TestKnowingManyCostsLittle(t *testing.T) {
	few, lots := NewRedactor(many(10, 32)...), NewRedactor(many(10_000, 32)...)
	adding := func(r *Redactor) float64 {
		return testing.AllocsPerRun(100, func() { r.Add(New("another-key-0123456789")); r.Forget(New("another-key-0123456789")) })
	}
	if a, b := adding(few), adding(lots); b > 10*a {
		t.Errorf("adding one to 10 makes %v allocations, to 10,000 %v", a, b)
	}
	text := page(plainRecord)
	if a, b := candidates(few, text), candidates(lots, text); b > 10*a+10 {
		t.Errorf("of a page, %d places are compared with 10 secrets, and %d with 10,000", a, b)
	}
	for _, length := range []int{32, 16 << 10} {
		secrets := many(360, length)
		before := inUse()
		r := NewRedactor(secrets...)
		if used := inUse() - before; used > 4<<20 {
			t.Errorf("360 secrets of %d bytes take %d bytes more", length, used)
		}
		r.Forget(secrets...)
		if used := inUse() - before; used > 1<<20 || r.long.filter != nil {
			t.Errorf("once forgotten, 360 secrets of %d bytes still take %d bytes", length, used)
		}
		runtime.KeepAlive(secrets)
	}
}

// candidates counts the segments that are looked up while a text is searched.
func candidates(r *Redactor, text []byte) (n int) {
	x := &r.long
	for at := 0; at+gram <= len(text); at += x.step() {
		for offset := range x.step() {
			begin := at - offset
			if x.filter[x.slot(text[at:])]&(1<<offset) != 0 && begin >= 0 && begin+x.width <= len(text) && x.mayBegin(text[begin:]) {
				n++
			}
		}
	}
	return n
}

func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
