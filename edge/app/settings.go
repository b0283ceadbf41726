package app

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"sort"
	"strings"

	"github.com/caarlos0/env/v11"

	"lumo/shared/fault"
)

// Settings are the edge's environment variables; the README's table describes them.
type Settings struct {
	Addr        string     `env:"LUMO_EDGE_ADDR" envDefault:"127.0.0.1:8787"`
	PublicURL   string     `env:"LUMO_EDGE_PUBLIC_URL"`
	CoreURL     string     `env:"LUMO_EDGE_CORE_URL"`
	Enrol       string     `env:"LUMO_EDGE_ENROL"`
	Dir         string     `env:"LUMO_EDGE_DIR" envDefault:"./edge-data"`
	KeyFile     string     `env:"LUMO_EDGE_KEY_FILE"`
	MetricsAddr string     `env:"LUMO_EDGE_METRICS_ADDR"`
	SpoolMax    bytesValue `env:"LUMO_EDGE_SPOOL_MAX" envDefault:"1GiB"`
	LINELogin   string     `env:"LUMO_LINE_ACCESS_URL"`
	TLSCertFile string     `env:"LUMO_TLS_CERT_FILE"`
	TLSKeyFile  string     `env:"LUMO_TLS_KEY_FILE"`
	LogLevel    slog.Level `env:"LUMO_LOG_LEVEL" envDefault:"info"`
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
	n := int64(0)
	for _, c := range number {
		if c < '0' || c > '9' || n > 1<<40 {
			return fault.New(fault.Invalid, "settings", "%q is not a size like 512MiB", text)
		}
		n = n*10 + int64(c-'0')
	}
	if n == 0 {
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
		return Settings{}, refuse("There is no setting " + strings.Join(bad, ", ") + ". The README lists them all.")
	}
	if err := env.ParseWithOptions(&s, env.Options{Environment: pairs}); err != nil {
		return Settings{}, refuse(err.Error())
	}
	return s, s.check()
}

func (s *Settings) check() error {
	if s.CoreURL == "" {
		return refuse("Set LUMO_EDGE_CORE_URL to the core's address.")
	}
	if (s.TLSCertFile == "") != (s.TLSKeyFile == "") {
		return refuse("LUMO_TLS_CERT_FILE and LUMO_TLS_KEY_FILE belong together; set both or neither.")
	}
	if s.PublicURL == "" {
		s.PublicURL = "http://" + s.Addr
	}
	if s.KeyFile == "" {
		s.KeyFile = filepath.Join(s.Dir, "edge.key")
	}
	for name, value := range map[string]*string{"LUMO_EDGE_CORE_URL": &s.CoreURL, "LUMO_EDGE_PUBLIC_URL": &s.PublicURL} {
		u, err := url.Parse(*value)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return refuse(name + " must be an address like https://go.example.com.")
		}
		*value = strings.TrimRight(*value, "/")
	}
	s.LINELogin = strings.TrimRight(s.LINELogin, "/")
	return nil
}

func refuse(text string) error { return fault.New(fault.Invalid, "settings", "%s", text) }
