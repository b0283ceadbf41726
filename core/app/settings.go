package app

import (
	"encoding"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sort"
	"strings"

	"github.com/caarlos0/env/v11"

	"lumo/core/lumo"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
)

// Settings are the core's environment variables; the README's table describes them.
type Settings struct {
	DatabaseURL   lumo.Secret `env:"LUMO_DATABASE_URL"`
	MasterKey     lumo.Secret `env:"LUMO_MASTER_KEY"`
	MasterKeyFile string      `env:"LUMO_MASTER_KEY_FILE"`
	Addr          string      `env:"LUMO_CORE_ADDR" envDefault:"127.0.0.1:8080"`
	MetricsAddr   string      `env:"LUMO_CORE_METRICS_ADDR"`
	PublicURL     string      `env:"LUMO_CORE_PUBLIC_URL"`
	EdgePublicURL string      `env:"LUMO_EDGE_PUBLIC_URL"`
	EdgeAddr      string      `env:"LUMO_EDGE_ADDR" envDefault:"127.0.0.1:8787"`

	TrustedProxies []string `env:"LUMO_TRUSTED_PROXIES"`
	TLSCertFile    string   `env:"LUMO_TLS_CERT_FILE"`
	TLSKeyFile     string   `env:"LUMO_TLS_KEY_FILE"`

	LINEAPIURL    string `env:"LUMO_LINE_API_URL" envDefault:"https://api.line.me"`
	LINEDataURL   string `env:"LUMO_LINE_DATA_URL" envDefault:"https://api-data.line.me"`
	LINEAccessURL string `env:"LUMO_LINE_ACCESS_URL" envDefault:"https://access.line.me"`

	KlaviyoAPIURL       string      `env:"LUMO_KLAVIYO_API_URL" envDefault:"https://a.klaviyo.com"`
	KlaviyoWebURL       string      `env:"LUMO_KLAVIYO_WEB_URL" envDefault:"https://www.klaviyo.com"`
	KlaviyoClientID     string      `env:"LUMO_KLAVIYO_CLIENT_ID"`
	KlaviyoClientSecret lumo.Secret `env:"LUMO_KLAVIYO_CLIENT_SECRET"`

	ShopifyClientSecret lumo.Secret `env:"LUMO_SHOPIFY_CLIENT_SECRET"`

	ModulePublicKey string `env:"LUMO_MODULE_PUBLIC_KEY"`

	AllowPrivateTargets bool       `env:"LUMO_ALLOW_PRIVATE_TARGETS"`
	LogLevel            slog.Level `env:"LUMO_LOG_LEVEL" envDefault:"info"`
}

var _ encoding.TextUnmarshaler = (*slog.Level)(nil)

// known are settings of other processes that may stand in the same environment.
func known() []string {
	return []string{"LUMO_EDGE_CORE_URL", "LUMO_EDGE_ENROL", "LUMO_EDGE_DIR", "LUMO_EDGE_KEY_FILE", "LUMO_EDGE_METRICS_ADDR",
		"LUMO_EDGE_SPOOL_MAX", "LUMO_EDGE_FAREWELL", "LUMO_SIM_ADDR", "LUMO_SIM_DIR", "LUMO_TEST_DATABASE_URL", "LUMO_SOAK", "LUMO_CHROMIUM",
		"LUMO_SMTP_URL", "LUMO_SHOPIFY_URL_TEMPLATE", "LUMO_SHOPIFY_CLIENT_ID"}
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
	if err := unknown(pairs, fields); err != nil {
		return Settings{}, err
	}
	if err := env.ParseWithOptions(&s, env.Options{Environment: pairs}); err != nil {
		return Settings{}, fault.New(fault.Invalid, op, "%s", err.Error())
	}
	return s, s.check()
}

// unknown refuses a LUMO_ name that nobody reads: most likely a typing mistake.
func unknown(pairs map[string]string, fields []env.FieldParams) error {
	names := map[string]bool{}
	for _, f := range fields {
		names[f.Key] = true
	}
	for _, name := range known() {
		names[name] = true
	}
	var bad []string
	for name := range pairs {
		if strings.HasPrefix(name, "LUMO_") && !names[name] {
			bad = append(bad, name)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	sort.Strings(bad)
	return fault.New(fault.Invalid, "settings", "There is no setting %s. The README lists them all.", strings.Join(bad, ", "))
}

func (s *Settings) check() error {
	if s.DatabaseURL == "" {
		return refuse("Set LUMO_DATABASE_URL to the address of a PostgreSQL 15 or newer.")
	}
	if (s.MasterKey == "") == (s.MasterKeyFile == "") {
		return refuse("Set either LUMO_MASTER_KEY or LUMO_MASTER_KEY_FILE: the key that protects everything stored.")
	}
	if (s.TLSCertFile == "") != (s.TLSKeyFile == "") {
		return refuse("LUMO_TLS_CERT_FILE and LUMO_TLS_KEY_FILE belong together; set both or neither.")
	}
	if s.MetricsAddr != "" && s.MetricsAddr == s.Addr {
		return refuse("LUMO_CORE_METRICS_ADDR and LUMO_CORE_ADDR are the same; metrics need an address of their own.")
	}
	if s.PublicURL == "" {
		s.PublicURL = "http://" + s.Addr
	}
	if s.EdgePublicURL == "" {
		s.EdgePublicURL = "http://" + s.EdgeAddr
	}
	for name, value := range map[string]*string{"LUMO_CORE_PUBLIC_URL": &s.PublicURL, "LUMO_EDGE_PUBLIC_URL": &s.EdgePublicURL,
		"LUMO_LINE_API_URL": &s.LINEAPIURL, "LUMO_LINE_DATA_URL": &s.LINEDataURL, "LUMO_LINE_ACCESS_URL": &s.LINEAccessURL,
		"LUMO_KLAVIYO_API_URL": &s.KlaviyoAPIURL, "LUMO_KLAVIYO_WEB_URL": &s.KlaviyoWebURL} {
		u, err := url.Parse(*value)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
			return refuse(name + " must be an address like https://lumo.example.com.")
		}
		*value = strings.TrimRight(*value, "/")
	}
	return nil
}

func refuse(text string) error { return fault.New(fault.Invalid, "settings", "%s", text) }

// masterKey reads the key from where the settings say.
func (s *Settings) masterKey() ([]byte, error) {
	text := string(s.MasterKey)
	if s.MasterKeyFile != "" {
		b, err := os.ReadFile(s.MasterKeyFile)
		if err != nil {
			return nil, refuse(fmt.Sprintf("The master key cannot be read from %s.", s.MasterKeyFile))
		}
		text = string(b)
	}
	return vault.ParseMasterKey(text)
}
