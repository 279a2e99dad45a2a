package secret_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestEntitiesWithoutSemicolons writes a key with entities that are not closed, as browsers accept them.
func TestEntitiesWithoutSemicolons(t *testing.T) {
	const key = `Kq7$Zt+9/xW=Ab&c<Yw2"Q`
	whole := func(format string) string {
		var out strings.Builder
		for _, r := range key {
			fmt.Fprintf(&out, format, r)
		}
		return out.String()
	}
	redactor := secret.NewRedactor(secret.New(key))
	for _, text := range []string{
		whole("&#%d"), whole("&#x%x"), whole("&#%04d"), whole("&#X%X"), whole("&#%d") + "&", key[:len(key)-1] + "&#81&", key[:len(key)-1] + `&#81\`,
		`Kq7$Zt+9/xW=Ab&ampc&ltYw2&quotQ`, strings.ReplaceAll(whole("&#%d"), "&", "%26"), strings.ReplaceAll(whole("&#%d"), "&", `\u0026`),
	} {
		if got := redactor.String("before " + text + " after"); !strings.HasPrefix(got, "before "+secret.Redacted) || strings.Contains(got, text[:8]) {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
