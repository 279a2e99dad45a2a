package web_test

import (
	"net/http"
	"net/url"
	"testing"
)

// TestFormsThatCannotBeRead sends forms that are not encoded as they say: that is a fault of the request.
func TestFormsThatCannotBeRead(t *testing.T) {
	c := newSite(t).signedUp()
	const multipart = "multipart/form-data; boundary=x"
	for _, path := range []string{"/flows/import", "/settings/tokens"} {
		c.post(path, url.Values{"text": {"flow: x"}}, "Content-Type", multipart).want(http.StatusBadRequest).says("The form could not be read")
		c.post(path+"?a=%zz", url.Values{"text": {"flow: x"}}).want(http.StatusBadRequest).says("The form could not be read")
	}
}
