package sandbox

const (
	taxiiRoot = "/taxii2/"
	taxiiType = "application/taxii+json;version=2.1"
)
