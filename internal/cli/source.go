package cli

import (
	"fmt"
	"io"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

type sourceCommand struct {
	Test sourceTest `cmd:"" help:"Fetch a sample from a source. Nothing is stored but what was looked up, so that it is not asked twice."`
}

type sourceTest struct {
	File       string            `short:"f" help:"Flow file whose source to test." placeholder:"FLOW"`
	Connector  string            `help:"Connector." placeholder:"C"`
	Credential string            `help:"Name of a credential." placeholder:"N"`
	Endpoint   string            `help:"Endpoint of the connector." placeholder:"E"`
	Raw        bool              `help:"Show the original of each record, too, as _raw."`
	Param      map[string]string `help:"A parameter of the endpoint." placeholder:"K=V" mapsep:"none"`
}

// Run fetches a sample.
func (c *sourceTest) Run(e *env) error {
	draft := service.SourceDraft{Connector: c.Connector, Credential: c.Credential, Endpoint: c.Endpoint, Params: map[string]any{}, Raw: c.Raw}
	for name, value := range c.Param {
		draft.Params[name] = value
	}
	switch given := c.Connector != "" || c.Endpoint != ""; {
	case given && c.File != "":
		return sallyport.Errorf(sallyport.Invalid, "give a flow file or --connector and --endpoint, not both")
	case !given && c.File == "":
		return sallyport.Errorf(sallyport.Invalid, "give a flow file with -f, or --connector and --endpoint")
	case c.File != "":
		f, err := e.flowFile(c.File)
		if err != nil {
			return err
		}
		draft.File = &f
	}
	s, err := e.service()
	if err != nil {
		return err
	}
	sample, err := s.TestSource(e.ctx, e.actor(), draft)
	if err != nil {
		return err
	}
	if err := e.show(sample, func(w io.Writer) { lines(w, sample.Records) }); err != nil {
		return err
	}
	fmt.Fprintln(e.Err, sampleText(sample))
	return nil
}

func sampleText(s *service.Sample) string {
	text := sampleSize(s)
	if s.Free > 0 {
		text += fmt.Sprintf("; %s of them cost no call", count(int64(s.Free)))
	}
	return text
}

func sampleSize(s *service.Sample) string {
	switch {
	case len(s.Records) == 0:
		return "the source answered, and it has no record"
	case s.More:
		return fmt.Sprintf("the first %s; there are more", plural(int64(len(s.Records)), "record"))
	}
	return "all of its " + plural(int64(len(s.Records)), "record")
}
