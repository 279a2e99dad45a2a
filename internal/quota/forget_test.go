package quota

import (
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestForget(t *testing.T) {
	q := New(nil, nil)
	for _, id := range []string{"one", "two", "one"} {
		q.ForRun("crd_"+sallyport.ID(id), connector.Limits{})
	}
	q.Forget("crd_one")
	if len(q.budgets) != 1 || q.budgets["crd_two"] == nil {
		t.Errorf("%d budgets are left; want that of the credential that was not forgotten", len(q.budgets))
	}
}
