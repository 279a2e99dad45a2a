package cli

import (
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/quota"
)

// TestWhatIsLeft words what is known of a window, and never a limit that is not.
func TestWhatIsLeft(t *testing.T) {
	const told = sallyport.QuotaHeader
	for want, w := range map[string]quota.Window{
		"7, limit unknown":                   {Window: sallyport.WindowDay, Left: 7, Origin: told},
		"0, limit unknown":                   {Window: sallyport.WindowMonth, Origin: told},
		"at least 3 a second, limit unknown": {Window: sallyport.WindowSecond, Left: 3, Origin: told},
		"5, limit unknown":                   {Window: sallyport.WindowOther, Left: 5},
		"limit unknown":                      {Window: sallyport.WindowDay},
		"0":                                  {Window: sallyport.WindowDay, RefusedUntil: time.Unix(1, 0)},
		"7 of 10":                            {Window: sallyport.WindowDay, Left: 7, Limit: 10, Origin: sallyport.QuotaPlan},
		"10 a second":                        {Window: sallyport.WindowSecond, Left: 10, Limit: 10, Origin: sallyport.QuotaHand},
	} {
		if got := leftText(w); got != want {
			t.Errorf("%+v: %q, want %q", w, got, want)
		}
	}
	if got := quotaFacts([]quota.Window{{Window: sallyport.WindowDay, Left: 7, Origin: told}}); got[1] != "7 left, limit unknown (as answers say)" {
		t.Errorf("as a fact of a credential: %q", got)
	}
}
