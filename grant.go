package sallyport

import "time"

// FilePurpose says what a flow does with a file.
type FilePurpose string

// The purposes.
const (
	FileRead  FilePurpose = "read"  // a list of values
	FileWrite FilePurpose = "write" // a destination
)

// FileUse is a file that a flow names: in a parameter of its source, or in the configuration of a destination.
type FileUse struct {
	Place   string      `json:"place"` // "parameter file", "destination lines"
	Path    string      `json:"path"`  // absolute
	Purpose FilePurpose `json:"purpose"`
}

// FileGrant permits one flow to use one file that may lie outside the folders of the setting files.roots. Only the local owner gives it.
type FileGrant struct {
	FileUse
	FlowID    ID        `json:"-"`
	Real      string    `json:"-"` // where the path led when the grant was given, without symbolic links
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
	Mark      []byte    `json:"-"` // proves that the grant was not written or changed by somebody without the master key
}
