package app

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"lumo/shared/fault"
)

// longestFarewell leaves a service manager's patience (TimeoutStopSec) for the rest.
const longestFarewell = time.Minute

// Settings are the edge's environment variables; the README's table describes them.
type Settings struct {
	Addr        string        `env:"LUMO_EDGE_ADDR" envDefault:"127.0.0.1:8787"`
	PublicURL   string        `env:"LUMO_EDGE_PUBLIC_URL"`
	CoreURL     string        `env:"LUMO_EDGE_CORE_URL"`
	Enrol       secret        `env:"LUMO_EDGE_ENROL"`
	Dir         string        `env:"LUMO_EDGE_DIR" envDefault:"./edge-data"`
	KeyFile     string        `env:"LUMO_EDGE_KEY_FILE"`
	MetricsAddr string        `env:"LUMO_EDGE_METRICS_ADDR"`
	SpoolMax    bytesValue    `env:"LUMO_EDGE_SPOOL_MAX" envDefault:"1GiB"`
	LINELogin   string        `env:"LUMO_LINE_ACCESS_URL"`
	ModuleKey   publicKey     `env:"LUMO_MODULE_PUBLIC_KEY"`
	Proxies     networks      `env:"LUMO_TRUSTED_PROXIES"`
	TLSCertFile string        `env:"LUMO_TLS_CERT_FILE"`
	TLSKeyFile  string        `env:"LUMO_TLS_KEY_FILE"`
	Farewell    time.Duration `env:"LUMO_EDGE_FAREWELL" envDefault:"1s"`
	LogLevel    slog.Level    `env:"LUMO_LOG_LEVEL" envDefault:"info"`
}

// secret is never printed.
type secret string

// String hides it.
func (secret) String() string { return "(hidden)" }

// GoString hides it, too.
func (secret) GoString() string { return "(hidden)" }

// publicKey is an Ed25519 key in base64.
type publicKey []byte

// UnmarshalText reads what lumo-core modules keygen prints.
func (k *publicKey) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != 0 && len(raw) != ed25519.PublicKeySize {
		return fault.New(fault.Invalid, "settings", "this is no key in base64, as lumo-core modules keygen prints it")
	}
	*k = raw
	return nil
}

// networks are addresses or networks, with commas in between.
type networks []netip.Prefix

// UnmarshalText reads 10.0.0.0/8,192.0.2.7.
func (n *networks) UnmarshalText(text []byte) error {
	*n = nil
	for part := range strings.SplitSeq(string(text), ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			address, err := netip.ParseAddr(part)
			if err != nil {
				return fault.New(fault.Invalid, "settings", "%q is not a network like 10.0.0.0/8",
					part)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		*n = append(*n, prefix.Masked())
	}
	return nil
}

// bytesValue is a size like 512MiB.
type bytesValue int64

// UnmarshalText reads a number with KiB, MiB or GiB behind it.
func (b *bytesValue) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for name, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, name); ok {
			number, unit = rest, size
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return fault.New(fault.Invalid, "settings", "%q is not a size like 512MiB", text)
	}
	*b = bytesValue(n * unit)
	return nil
}

// Read takes the settings from environment pairs NAME=value and checks them together.
func Read(environ []string) (Settings, error) {
	const op = "settings"
	pairs := env.ToMap(environ)
	var s Settings
	fields, err := env.GetFieldParams(&s)
	if err != nil {
		return Settings{}, fault.Wrap(op, err)
	}
	names := map[string]bool{}
	for _, f := range fields {
		names[f.Key] = true
	}
	var bad []string
	for name := range pairs {
		if strings.HasPrefix(name, "LUMO_EDGE_") && !names[name] {
			bad = append(bad, name)
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		return Settings{}, refuse("There is no setting " + strings.Join(bad,
			", ") + ". The README lists them all.")
	}
	if err := env.ParseWithOptions(&s, env.Options{Environment: pairs}); err != nil {
		return Settings{}, refuse(plain(err))
	}
	return s, s.check()
}

// plain turns the library's error into a sentence that names the setting.
func plain(err error) string {
	var all env.AggregateError
	var one env.ParseError
	if !errors.As(err, &all) || len(all.Errors) == 0 || !errors.As(all.Errors[0], &one) {
		return err.Error()
	}
	name := one.Name
	if field, ok := reflect.TypeFor[Settings]().FieldByName(one.Name); ok {
		name = field.Tag.Get("env")
	}
	if text := fault.MessageOf(one.Err); text != "" {
		return name + ": " + text + "."
	}
	return name + " cannot be read: " + one.Err.Error()
}

func (s *Settings) check() error {
	if s.CoreURL == "" {
		return refuse("Set LUMO_EDGE_CORE_URL to the core's address.")
	}
	if (s.TLSCertFile == "") != (s.TLSKeyFile == "") {
		return refuse("LUMO_TLS_CERT_FILE and LUMO_TLS_KEY_FILE belong together; set both or neither.")
	}
	if s.Farewell < 0 || s.Farewell > longestFarewell {
		return refuse("LUMO_EDGE_FAREWELL must be a time like 10s, at most 1m.")
	}
	if s.PublicURL == "" {
		if s.PublicURL = "http://" + s.Addr; s.TLSCertFile != "" {
			s.PublicURL = "https://" + s.Addr
		}
	}
	if s.KeyFile == "" {
		s.KeyFile = filepath.Join(s.Dir, "edge.key")
	}
	if s.TLSCertFile != "" && strings.HasPrefix(s.PublicURL, "http://") {
		return refuse("LUMO_EDGE_PUBLIC_URL begins with http, but LUMO_TLS_CERT_FILE makes the edge speak https.")
	}
	if s.MetricsAddr != "" && s.MetricsAddr == s.Addr {
		return refuse("LUMO_EDGE_METRICS_ADDR and LUMO_EDGE_ADDR are the same; metrics need an address of their own.")
	}
	return s.checkAddresses()
}

func (s *Settings) checkAddresses() error {
	for _, a := range []struct {
		name  string
		value *string
	}{{"LUMO_EDGE_CORE_URL", &s.CoreURL}, {"LUMO_EDGE_PUBLIC_URL", &s.PublicURL},
		{"LUMO_LINE_ACCESS_URL", &s.LINELogin}} {
		if *a.value == "" {
			continue
		}
		u, err := url.Parse(*a.value)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" ||
			u.RawQuery != "" || u.User != nil {
			return refuse(a.name + " must be an address like https://go.example.com.")
		}
		*a.value = strings.TrimRight(*a.value, "/")
	}
	public, err := url.Parse(s.PublicURL)
	if err != nil || public.Path != "" {
		return refuse("LUMO_EDGE_PUBLIC_URL must have no path.")
	}
	return nil
}

func refuse(text string) error { return fault.New(fault.Invalid, "settings", "%s", text) }
