package cli

import (
	"cmp"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

type sourceCommand struct {
	Test sourceTest `cmd:"" help:"Fetch a sample from a source, and propose how to read it. Only look-up results are stored, so that they are not requested twice."`
}

type sourceTest struct {
	URL        string            `arg:"" optional:"" help:"Address to read, for example https://api.example.com/v1/items?limit=100. Add --credential if it needs a key."`
	File       string            `short:"f" help:"Flow file whose source to test." placeholder:"FLOW"`
	Connector  string            `help:"Connector." placeholder:"C"`
	Credential string            `help:"Name of a credential." placeholder:"N"`
	Endpoint   string            `help:"Endpoint of the connector." placeholder:"E"`
	Raw        bool              `help:"Show the original of each record, too, as _raw."`
	Param      map[string]string `help:"A parameter of the endpoint." placeholder:"K=V" mapsep:"none"`
	Method     string            `help:"With an address: GET or POST." placeholder:"METHOD"`
	Header     map[string]string `help:"With an address: a header of the request. A key belongs in a credential." placeholder:"NAME=VALUE" mapsep:"none"`
	Body       string            `help:"With an address: the body of a POST." placeholder:"TEXT"`
}

// Run fetches a sample.
func (c *sourceTest) Run(e *env) error {
	draft, err := c.draft(e)
	if err != nil {
		return err
	}
	s, err := e.service()
	if err != nil {
		return err
	}
	sample, err := s.TestSource(e.ctx, e.actor(), draft)
	exchanges(e.Err, sample.Exchanges)
	if err != nil {
		return err
	}
	if err := e.show(sample, func(w io.Writer) { lines(w, sample.Records) }); err != nil {
		return err
	}
	fmt.Fprintln(e.Err, sampleText(sample))
	propose(e.Err, sample)
	if sample.Proposal != nil && draft.Credential == "" {
		fmt.Fprintf(e.Err, "a credential says where the API is, even without a key: choose a NAME, then\n"+
			"sallyport credential add rest --name NAME --set address=%s --set auth=none\n", draft.System)
	}
	return nil
}

// draft is the source that the arguments describe.
func (c *sourceTest) draft(e *env) (d service.SourceDraft, err error) {
	d = service.SourceDraft{Connector: c.Connector, Credential: c.Credential, Endpoint: c.Endpoint, Params: map[string]any{}, Raw: c.Raw}
	for name, value := range c.Param {
		d.Params[name] = value
	}
	endpoint := c.Connector != "" || c.Endpoint != ""
	switch {
	case c.URL != "" && (endpoint || c.File != ""):
		return d, sallyport.Errorf(sallyport.Invalid, "give an address, a flow file, or --connector and --endpoint: one of them only")
	case c.URL != "":
		return c.at(d)
	case c.Method != "" || c.Body != "" || len(c.Header) > 0:
		return d, sallyport.Errorf(sallyport.Invalid, "--method, --header and --body go with an address")
	case endpoint && c.File != "":
		return d, sallyport.Errorf(sallyport.Invalid, "give a flow file or --connector and --endpoint, not both")
	case !endpoint && c.File == "":
		return d, sallyport.Errorf(sallyport.Invalid, "give an address, a flow file with -f, or --connector and --endpoint")
	case c.File != "":
		file, err := e.flowFile(c.File)
		if err != nil {
			return d, err
		}
		d.File = &file
	}
	return d, nil
}

// at is the source at the address.
func (c *sourceTest) at(d service.SourceDraft) (service.SourceDraft, error) {
	system, request, err := service.ReadAddress(c.URL)
	if err != nil {
		return d, err
	}
	if system == "" && c.Credential == "" {
		return d, sallyport.FieldErrorf("url", "must begin with https:// unless --credential names a credential whose address it is below")
	}
	request.Method, request.Headers, request.Body = c.Method, c.Header, sallyport.Body(c.Body)
	if request.Body != "" {
		request.Method = cmp.Or(request.Method, "POST")
	}
	d.Connector, d.System, d.Request, d.Propose = service.ManualConnector, system, &request, true
	return d, nil
}

// propose shows how the response should be read, as a flow file.
func propose(w io.Writer, s *service.Sample) {
	p := s.Proposal
	if p == nil {
		return
	}
	if s.Problem != "" {
		fmt.Fprintf(w, "\nthe response cannot be read as it was requested: %s\n", oneLine(s.Problem))
	}
	fmt.Fprintln(w, "\nproposed, because:")
	for _, why := range p.Why {
		fmt.Fprintf(w, "  - %s\n", oneLine(why))
	}
	if p.Proven {
		fmt.Fprintln(w, "  - The second page was read and has other records.")
	}
	fmt.Fprintf(w, "\n%s\n", visible(p.Flow))
}

// exchanges says what was requested, and the responses to it.
func exchanges(w io.Writer, all []connector.Exchange) {
	for _, x := range all {
		result := "no response"
		if x.Status != 0 {
			result = fmt.Sprintf("HTTP %d, %s", x.Status, humanize.Bytes(uint64(x.Bytes)))
		}
		fmt.Fprintf(w, "%s %s: %s in %d ms\n", x.Method, oneLine(x.URL), result, x.Milliseconds)
		for _, header := range x.Headers {
			fmt.Fprintf(w, "    %s\n", oneLine(header))
		}
	}
}

func sampleText(s *service.Sample) string {
	text := sampleSize(s)
	if s.Free > 0 {
		text += fmt.Sprintf("; %s of them cost no request", count(int64(s.Free)))
	}
	return text
}

func sampleSize(s *service.Sample) string {
	switch {
	case len(s.Records) == 0:
		return "the response has no records"
	case s.More:
		return fmt.Sprintf("the first %s; there are more", plural(int64(len(s.Records)), "record"))
	}
	return "all " + plural(int64(len(s.Records)), "record")
}
