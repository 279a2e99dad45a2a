package sandbox

import (
	"encoding/base64"
	"encoding/hex"
	"hash/fnv"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// outsider is an indicator whose value is not computed: one that is famous, or was submitted.
type outsider struct {
	value, kind string
	iid         int // 0 if it is not kept
	risk        int
}

// outside makes an indicator of it. Its other facts are computed from its value.
func (w *world) outside(o *outsider) indicator {
	h := fnv.New64a()
	h.Write([]byte(o.value)) // never fails
	return indicator{w, self, mix(w.seed ^ h.Sum64()), o}
}

const (
	firstKept = 900_000
	maxKept   = 50_000 // so that their ids stay below those of the others
)

// keptIndicators are those that were submitted to be kept. They may be used concurrently.
type keptIndicators struct {
	mu      sync.Mutex
	byValue map[string]*outsider
	list    []*outsider
}

// keep remembers an indicator, unless there is no more room.
func (k *keptIndicators) keep(value, kind string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byValue == nil {
		k.byValue = map[string]*outsider{}
	}
	if k.byValue[value] != nil || len(k.list) >= maxKept {
		return
	}
	o := &outsider{value, kind, firstKept + len(k.list), 0}
	k.list = append(k.list, o)
	k.byValue[value] = o
}

func (k *keptIndicators) find(value string) *outsider {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.list) == 0 {
		return nil
	}
	spelled, _, err := classify(value)
	if err != nil {
		return nil
	}
	return k.byValue[spelled]
}

func (k *keptIndicators) at(iid int) *outsider {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := iid - firstKept; n >= 0 && n < len(k.list) {
		return k.list[n]
	}
	return nil
}

var (
	hostName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})$`)
	unpublic = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("0.0.0.0/8")}
)

// classify tells what a value that is to be scanned is, and spells it as Pulsedive would. The sentence of an error is for whoever asked.
func classify(value string) (spelled, kind string, err error) {
	value = strings.TrimSpace(value)
	if address, err := netip.ParseAddr(value); err == nil {
		return classifyAddress(address.Unmap())
	}
	if lower := strings.ToLower(value); hostName.MatchString(lower) && len(lower) <= 253 {
		return lower, kindDomain, nil
	}
	if _, hexErr := hex.DecodeString(value); hexErr == nil && len(value) >= 32 {
		return "", "", refuse(400, "Hashes are not supported.")
	}
	if u, urlErr := url.Parse(value); urlErr == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		if address, err := netip.ParseAddr(u.Hostname()); err == nil {
			if _, _, err := classifyAddress(address.Unmap()); err != nil {
				return "", "", err
			}
		}
		return value, kindURL, nil
	}
	return "", "", refuse(400, "Invalid indicator.")
}

func classifyAddress(address netip.Addr) (spelled, kind string, err error) {
	private := address.IsPrivate() || !address.IsGlobalUnicast() || address.Zone() != ""
	for _, network := range unpublic {
		private = private || network.Contains(address)
	}
	switch {
	case private:
		return "", "", refuse(400, "Private IP addresses are not supported.")
	case address.Is4():
		return address.String(), kindIP, nil
	default:
		return address.String(), kindIPv6, nil
	}
}

// decodeIOC reads the older form of a value.
func decodeIOC(text string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", refuse(400, "Invalid parameter: ioc must be base64.")
	}
	return string(b), nil
}
