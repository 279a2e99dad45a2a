package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// Setting describes a setting to people.
type Setting struct {
	Name    string // as a key of config.yaml, where a dot stands for nesting
	Env     string // the environment variable
	Default string // <data> stands for the data directory; empty: none
	Help    string // one line
}

// Table lists all settings.
func Table() []Setting {
	list := make([]Setting, len(table))
	for i, s := range table {
		list[i] = s.Setting
	}
	return list
}

type setting struct {
	Setting
	set func(s *Settings, text string) error // the error does not name the setting
}

var dataSetting = setting{Setting{"data", "SALLYPORT_DATA", "$XDG_DATA_HOME/sallyport, else ~/.local/share/sallyport",
	"directory of the database, master key, settings and files"}, setData}

// The data directory comes first, because the others may stand in a file there, or have defaults there.
var table = []setting{
	dataSetting,
	{Setting{"database", "SALLYPORT_DATABASE", "sqlite:<data>/sallyport.db",
		"where everything is kept: sqlite:PATH or postgres://…"}, setDatabase},
	{Setting{"master_key", "SALLYPORT_MASTER_KEY", "file:<data>/master.key",
		"the key that seals all credentials: file:PATH, made at first start"}, setMasterKey},
	{Setting{"addr", "SALLYPORT_ADDR", "127.0.0.1:8420",
		"address that the pages and the API are served at: HOST:PORT"}, setAddr},
	{Setting{"hosts", "SALLYPORT_HOSTS", "",
		"names by which pages and API are reached besides their own address, for example sallyport.example.com; separated by commas"}, setHosts},
	{Setting{"trusted_proxies", "SALLYPORT_TRUSTED_PROXIES", "",
		"addresses or networks of proxies whose X-Forwarded-For names the client, for example 10.0.0.7; separated by commas"}, setProxies},
	{Setting{"files.roots", "SALLYPORT_FILES_ROOTS", "<data>/files",
		"folders below which pages and API may read and write files; several with commas"}, setFilesRoots},
	{Setting{"egress.allow_loopback", "SALLYPORT_EGRESS_ALLOW_LOOPBACK", "",
		"ports of this machine that any credential may reach, for example 9200; separated by commas"}, setAllowLoopback},
	{Setting{"egress.allow_private", "SALLYPORT_EGRESS_ALLOW_PRIVATE", "",
		"networks that connectors may reach besides public ones, such as 10.0.0.0/8; several with commas"}, setAllowPrivate},
	{Setting{"reject_limit", "SALLYPORT_REJECT_LIMIT", "50%",
		"the share of a run's records (of at least 100) that a destination may reject before it stops: 1% to 99%, or off"}, setRejectLimit},
	{Setting{"vanish_limit", "SALLYPORT_VANISH_LIMIT", "50%",
		"the share of a flow's known records (of at least 20) that may vanish at once before the pull is held: 1% to 99%, or off"}, setVanishLimit},
	{Setting{"confirm", "SALLYPORT_CONFIRM", "auto",
		"how many complete pulls in a row must miss a record before it counts as vanished: 1 to 3, or auto: 2 for a list in pages, else 1"}, setConfirm},
	{Setting{"redact.previous_keys", "SALLYPORT_REDACT_PREVIOUS_KEYS", "30d",
		"how long a replaced key is kept, sealed, and redacted in what systems send, for example 90d; 0d: not at all"}, setPreviousKeys},
	{Setting{"patience", "SALLYPORT_PATIENCE", "12h",
		"how long a run waits for a system that is away before it fails: 1m to 30d"}, setPatience},
	{Setting{"log.level", "SALLYPORT_LOG_LEVEL", "info",
		"the least important lines that are logged: debug, info, warn or error"}, setLogLevel},
	{Setting{"log.format", "SALLYPORT_LOG_FORMAT", "auto",
		"text, json, or auto: text on a terminal, else json"}, setLogFormat},
}

func setData(s *Settings, text string) (err error) {
	s.Data, err = filepath.Abs(text)
	return err
}

func setDatabase(s *Settings, text string) error {
	for _, scheme := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok && rest != "" {
			s.Database = text
			return nil
		}
	}
	return errors.New("must be sqlite:PATH or postgres://USER@HOST/NAME")
}

func setMasterKey(s *Settings, text string) error {
	s.MasterKey = text
	return nil
}

func setAddr(s *Settings, text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q is no address to listen on: write HOST:PORT, such as 127.0.0.1:8420", text)
	}
	s.Addr = text
	return nil
}

func setFilesRoots(s *Settings, text string) error {
	for _, item := range items(text) {
		if !filepath.IsAbs(item) {
			return fmt.Errorf("%q must be an absolute path, for example /srv/sallyport", item)
		}
		s.Files.Roots = append(s.Files.Roots, filepath.Clean(item))
	}
	if len(s.Files.Roots) == 0 {
		return errors.New("must name at least one folder")
	}
	return nil
}

// items are the parts of a list that are not blank.
func items(text string) (all []string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

var hostName = regexp.MustCompile(`^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$`)

func setHosts(s *Settings, text string) error {
	for _, item := range items(text) {
		host := strings.ToLower(item)
		if len(host) > 260 || !hostName.MatchString(host) {
			return fmt.Errorf("%q must be a host name, with a port if need be, for example sallyport.example.com", item)
		}
		s.Hosts = append(s.Hosts, host)
	}
	return nil
}

func setProxies(s *Settings, text string) error {
	for _, item := range items(text) {
		network, err := netip.ParsePrefix(item)
		if ip, isIP := netip.ParseAddr(item); isIP == nil {
			network, err = ip.Unmap().WithZone("").Prefix(ip.Unmap().BitLen())
		}
		if err != nil {
			return fmt.Errorf("%q must be an IP address or a network, for example 10.0.0.7 or 10.0.0.0/8", item)
		}
		s.Proxies = append(s.Proxies, network.Masked())
	}
	return nil
}

func setAllowLoopback(s *Settings, text string) error {
	for _, item := range items(text) {
		port, err := strconv.ParseUint(item, 10, 16)
		if err != nil || port == 0 {
			return fmt.Errorf("%q must be a port, for example 9200", item)
		}
		s.Egress.AllowLoopback = append(s.Egress.AllowLoopback, uint16(port))
	}
	return nil
}

func setAllowPrivate(s *Settings, text string) error {
	for _, item := range items(text) {
		network, err := netip.ParsePrefix(item)
		if err != nil {
			return fmt.Errorf("%q is no network: write ADDRESS/BITS, such as 10.0.0.0/8", item)
		}
		s.Egress.AllowPrivate = append(s.Egress.AllowPrivate, network.Masked())
	}
	return nil
}

func setRejectLimit(s *Settings, text string) (err error) {
	s.RejectLimit, err = sallyport.ParseShare(text)
	return err
}

func setVanishLimit(s *Settings, text string) (err error) {
	s.VanishLimit, err = sallyport.ParseShare(text)
	return err
}

func setConfirm(s *Settings, text string) error {
	if text == "auto" {
		s.Confirm = 0
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n < 1 || n > sallyport.MaxConfirm {
		return fmt.Errorf("invalid number %q: use 1 to %d, or auto", text, sallyport.MaxConfirm)
	}
	s.Confirm = int(n)
	return nil
}

func setPreviousKeys(s *Settings, text string) error {
	d, err := sallyport.ParseDuration(text)
	s.Redact.PreviousKeys = time.Duration(d)
	return err
}

func setPatience(s *Settings, text string) error {
	d, err := sallyport.ParseDuration(text)
	if err != nil {
		return err
	}
	if s.Patience = time.Duration(d); s.Patience < time.Minute || s.Patience > 30*24*time.Hour {
		return fmt.Errorf("invalid duration %q: use 1m to 30d, for example 12h", text)
	}
	return nil
}

func setLogLevel(s *Settings, text string) error {
	if err := s.Log.Level.UnmarshalText([]byte(text)); err != nil {
		return sallyport.Unknown("", "level", text, []string{"debug", "info", "warn", "error"})
	}
	return nil
}

func setLogFormat(s *Settings, text string) error {
	switch text {
	case "auto", "text", "json":
		s.Log.Format = text
		return nil
	}
	return sallyport.Unknown("", "format", text, []string{"auto", "text", "json"})
}
