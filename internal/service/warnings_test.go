package service_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestKeyWarnings warns about keys that are too short to be searched for, and about those that records may hold by chance.
func TestKeyWarnings(t *testing.T) {
	for key, want := range map[string]string{"anonymous": "ordinary word", "20240131": "or number", "short": "fewer than 8", "a1b2c3d4e5f6": "", "": ""} {
		got := strings.Join(service.KeyWarnings(map[string]secret.Text{"value": secret.New(key)}), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) || key != "" && strings.Contains(got, key) {
			t.Errorf("%q: %s", key, got)
		}
	}
}
