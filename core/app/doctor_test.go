package app_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"lumo/core/app"
	"lumo/core/line/linetest"
)

// doctor runs it and answers what it said.
func (c *core) doctor(more ...string) (string, error) {
	var out bytes.Buffer
	err := app.Run(c.t.Context(), []string{"doctor"}, append(append([]string{}, c.settings...), more...), nil, &out, io.Discard)
	return out.String(), err
}

func TestDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	t.Parallel()
	c, _, _ := startWithLINE(t, "LUMO_MODULE_PUBLIC_KEY="+masterKey(1))
	said, err := c.doctor()
	if err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
	for _, want := range []string{"good  settings", "note  addresses", "good  module key", "good  database", "good  tenancy",
		"good  schema", "good  clock", "good  master key", "note  edges", "good  vendors"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	for _, secret := range []string{masterKey(5), linetest.DemoChannel.MessagingSecret, "lumo_test:"} {
		if strings.Contains(said, secret) {
			t.Errorf("it shows %s", secret)
		}
	}
}

func TestDoctorSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	c, _, _ := startWithLINE(t)
	key := c.enrol()
	closed := freePort(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = silent.Close()
	for _, one := range []struct {
		name, break_, mend string
		settings           []string
		want               []string
	}{
		{"a setting with a typing mistake", "", "", []string{"LUMO_CORE_ADRR=x"}, []string{"BAD   settings", "LUMO_CORE_ADRR"}},
		{"no master key", "", "", []string{"LUMO_MASTER_KEY="}, []string{"BAD   settings", "LUMO_MASTER_KEY"}},
		{"half a master key", "", "", []string{"LUMO_MASTER_KEY=c2hvcnQ="}, []string{"BAD   master key", "openssl rand"}},
		{"another master key", "", "", []string{"LUMO_MASTER_KEY=" + masterKey(6)}, []string{"BAD   master key", "Bring the right"}},
		{"no database", "", "", []string{"LUMO_DATABASE_URL=postgres://x:secretword@" + closed + "/x"},
			[]string{"BAD   database", "Is it running"}},
		{"row-level security off", "ALTER TABLE friend NO FORCE ROW LEVEL SECURITY", "ALTER TABLE friend FORCE ROW LEVEL SECURITY", nil,
			[]string{"BAD   tenancy", "ALTER TABLE friend ENABLE"}},
		{"an older schema", "UPDATE goose_db_version SET version_id = -version_id WHERE version_id = (SELECT max(version_id) FROM goose_db_version)",
			"UPDATE goose_db_version SET version_id = -version_id WHERE version_id < 0", nil,
			[]string{"BAD   schema", "Run lumo-core migrate"}},
		{"a newer schema", "UPDATE goose_db_version SET version_id = version_id + 90000000000000 WHERE version_id = (SELECT max(version_id) FROM goose_db_version)",
			"UPDATE goose_db_version SET version_id = version_id - 90000000000000 WHERE version_id > 90000000000000", nil,
			[]string{"note  schema", "newer than this program"}},
		{"an edge that never came", "", "", nil, []string{"BAD   edges", "Tokyo never connected"}},
		{"an edge that is away", "UPDATE edge SET last_seen_at = now() - interval '1 hour'", "", nil,
			[]string{"BAD   edges", "Tokyo was heard of last 1h"}},
		{"an edge that is behind", "UPDATE edge SET last_seen_at = now(); UPDATE edge_change SET changed_at = now() - interval '1 minute'",
			"UPDATE edge SET config_version = 1000000", nil, []string{"BAD   edges", "Tokyo has not applied what changed 1m"}},
		{"an edge whose records wait", "UPDATE edge SET last_seen_at = now(), waiting_events = 7, oldest_seconds = 180", "UPDATE edge SET oldest_seconds = 0", nil,
			[]string{"BAD   edges", "Tokyo holds 7 records, the oldest for 3m"}},
		{"a spool that fills", "UPDATE edge SET last_seen_at = now(), spool_bytes = 600, spool_limit = 1000", "UPDATE edge SET spool_bytes = 0", nil,
			[]string{"BAD   edges", "Tokyo has used 60 % of LUMO_EDGE_SPOOL_MAX"}},
		{"refused modules, and a disk that fails",
			"UPDATE edge SET last_seen_at = now(), trouble = 7, modules_version = 2, modules_refused = 4, modules_refusal = 'test', modules_reason = 'It traps.'",
			"UPDATE edge SET trouble = 0", nil, []string{"Tokyo refused the newest modules (test: It traps.). It goes on with version 2",
				"Tokyo cannot keep webhooks", "Tokyo cannot keep its configuration"}},
		{"a vendor out of reach", "", "", []string{"LUMO_KLAVIYO_API_URL=http://" + silent.Addr().String()},
			[]string{"BAD   vendors", "LUMO_KLAVIYO_API_URL"}},
		{"private targets not allowed", "", "", []string{"LUMO_ALLOW_PRIVATE_TARGETS=false"}, []string{"BAD   vendors"}},
		{"a module key that is none", "", "", []string{"LUMO_MODULE_PUBLIC_KEY=abc"}, []string{"BAD   module key", "keygen"}},
		{"a console without https", "", "", []string{"LUMO_CORE_PUBLIC_URL=http://lumo.example.com"}, []string{"BAD   addresses", "write https"}},
		{"a path in an address", "", "", []string{"LUMO_EDGE_PUBLIC_URL=https://l.example.com/x"}, []string{"BAD   addresses", "no path"}},
		{"one address for both", "", "", []string{"LUMO_EDGE_PUBLIC_URL=https://l.example.com", "LUMO_CORE_PUBLIC_URL=https://l.example.com"},
			[]string{"BAD   addresses", "are the same"}},
		{"a certificate that is not there", "", "", []string{"LUMO_TLS_CERT_FILE=/nowhere", "LUMO_TLS_KEY_FILE=/nowhere"},
			[]string{"BAD   certificate"}},
	} {
		if one.break_ != "" {
			c.exec(one.break_)
		}
		said, err := c.doctor(one.settings...)
		if err == nil || !strings.Contains(err.Error(), "checks failed") {
			t.Errorf("%s: it ends with %v", one.name, err)
		}
		for _, want := range one.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: no %q in\n%s", one.name, want, said)
			}
		}
		if strings.Contains(said, "secretword") {
			t.Errorf("%s: it shows a password", one.name)
		}
		if one.mend != "" {
			c.exec(one.mend)
		}
	}
	c.exec("UPDATE edge SET revoked_at = now() - interval '1 minute', last_seen_at = now() - interval '2 minutes'")
	if said, err := c.doctor(); err != nil || !strings.Contains(said, "No edge is enrolled") {
		t.Errorf("a revoked edge that was ended: %v in\n%s", err, said)
	}
	if status, _ := c.send(http.MethodGet, "/edge/v1/modules/0", map[string]string{"Authorization": "Bearer " + key}, ""); status != http.StatusUnauthorized {
		t.Errorf("a revoked edge asks: %d", status)
	}
	if said, err := c.doctor(); err == nil || !strings.Contains(said, "BAD   edges          Tokyo is revoked and still runs") {
		t.Errorf("a revoked edge that still runs: %v in\n%s", err, said)
	}
}
