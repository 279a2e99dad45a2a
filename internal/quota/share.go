package quota

import (
	"cmp"
	"slices"

	"github.com/sallyport-io/sallyport"
)

// fairShare divides a limit among processes, so that nobody gets more than it wants and whoever wants more gets as much as anybody. It
// returns what mine gets. Where there is not one call for each, those that had none for the longest come first.
func fairShare(limit int64, mine *sallyport.QuotaPortion, others []*sallyport.QuotaPortion) int64 {
	all := []*sallyport.QuotaPortion{mine}
	for _, p := range others {
		if p.Wanted > 0 {
			all = append(all, p)
		}
	}
	scarce := limit < int64(len(all))
	slices.SortFunc(all, func(a, b *sallyport.QuotaPortion) int { // the last ones get what is left over
		if scarce {
			return cmp.Or(b.TurnAt.Compare(a.TurnAt), cmp.Compare(a.Holder, b.Holder))
		}
		return cmp.Or(cmp.Compare(a.Wanted, b.Wanted), cmp.Compare(a.Holder, b.Holder))
	})
	left := limit
	for i, p := range all {
		part := min(p.Wanted, left/int64(len(all)-i))
		if p == mine {
			return part
		}
		left -= part
	}
	return 0
}
