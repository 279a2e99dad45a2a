// Command sallyport pulls records from APIs that need a key, keeps them, and delivers them. See `sallyport --help`.
package main

import (
	"os"

	"github.com/sallyport-io/sallyport/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.OS())) }
