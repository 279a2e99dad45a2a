package obs

import (
	"log"
	"log/slog"
	"strings"
)

// Adopt makes logger the destination of everything that libraries log on their own, through package log or the default logger of slog. It
// changes the whole process, so only the program itself calls it.
func Adopt(logger *slog.Logger) {
	slog.SetDefault(logger)
	log.SetFlags(0)
	log.SetOutput(standard{logger})
}

// standard logs what comes from package log, which writes each message at once.
type standard struct{ logger *slog.Logger }

// excerpt is where net/http begins to quote what a system sent without being asked. Its end is cut off anywhere, perhaps within a key, where
// no redactor can recognize it.
const excerpt = " starting with \""

func (s standard) Write(message []byte) (int, error) {
	text, _, _ := strings.Cut(strings.TrimRight(string(message), "\n"), excerpt)
	s.logger.Warn(text)
	return len(message), nil
}
