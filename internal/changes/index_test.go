package changes

import "time"

var someDay = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
