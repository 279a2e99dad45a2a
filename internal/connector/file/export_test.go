package file

import "testing"

// SmallBuffer makes buffers small until a test ends: a test that repeats itself a thousand times need not write much to fill one.
func SmallBuffer(t testing.TB) {
	before := bufferBytes
	bufferBytes = 16 << 10
	t.Cleanup(func() { bufferBytes = before })
}
