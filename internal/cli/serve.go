package cli

import "fmt"

type serveCommand struct {
	Addr           string `help:"Address to listen on (SALLYPORT_ADDR)." placeholder:"HOST:PORT"`
	Hosts          string `help:"Names by which it is reached besides its own address (SALLYPORT_HOSTS)." placeholder:"NAME,…"`
	TrustedProxies string `help:"Proxies whose X-Forwarded-For names the client (SALLYPORT_TRUSTED_PROXIES)." placeholder:"ADDRESS,…"`
	BehindProxy    bool   `help:"Allow an address that other machines reach: a proxy before it speaks TLS."`
}

// Run serves until it is interrupted.
func (c *serveCommand) Run(e *env) error {
	e.serving = true
	a, err := e.open()
	if err != nil {
		return err
	}
	return a.Serve(e.ctx, e.settings.Addr, c.BehindProxy, func(address, plain, setUp string) {
		fmt.Fprintf(e.Err, "Sallyport serves at %s and works its flows; Ctrl-C stops it\n", address)
		if plain != address {
			fmt.Fprintf(e.Err, "If your browser does not find that name, use %s\n", plain)
		}
		if setUp != "" {
			fmt.Fprintf(e.Err, "Nobody has a password yet. Choose one, with this link, which works once:\n  %s\n", setUp)
		}
	})
}
