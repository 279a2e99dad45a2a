package connector

// Exchange is a request that was sent and the response to it, as far as a person may see them: neither has a secret.
type Exchange struct {
	Method       string   `json:"method"`
	URL          string   `json:"url"`                  // without the key
	Status       int      `json:"status,omitzero"`      // 0: no response came
	Headers      []string `json:"headers,omitempty"`    // of the response, those that help to write a request, such as "Content-Type: text/csv"
	Bytes        int64    `json:"bytes,omitzero"`       // of the body as it was sent, as far as it was read
	Milliseconds int64    `json:"duration_ms,omitzero"` // until the body was read
}
