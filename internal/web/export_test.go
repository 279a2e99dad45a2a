package web

// Patterns returns the patterns of all routes of the pages.
func Patterns(c Config) []string {
	s := &server{Config: c, assets: loadAssets()}
	s.pages()
	return s.patterns
}
