package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"lumo/core/fleet"
	"lumo/core/postgres"
	fleetstore "lumo/core/postgres/fleet"
	"lumo/core/postgres/operation"
	"lumo/core/postgres/vault"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	doctorTime   = 5 * time.Second // for each check
	clockLimit   = time.Second
	spoolLimit   = 2 * time.Minute
	silentLimit  = time.Minute
	behindLimit  = 10 * time.Second
	certificate  = 14 * 24 * time.Hour
	leastVersion = 15
	publicKey    = 32 // bytes of an Ed25519 key
)

// The words that findings begin with.
const (
	good = "good"
	note = "note"
	bad  = "BAD"
)

// doctor says of each thing that must be right whether it is, and what to do where it is not.
// It changes nothing and shows no secret.
func doctor(ctx context.Context, environ []string, out io.Writer) error {
	d := &examination{out: out, now: time.Now}
	var err error
	if d.settings, err = Read(environ); err != nil {
		d.say(bad, "settings", sentence(err))
		return d.result()
	}
	d.say(good, "settings", "All settings are known and agree with each other.")
	d.addresses()
	d.certificate()
	d.moduleKey()
	if d.key, err = d.settings.masterKey(); err != nil {
		d.say(bad, "master key", sentence(err))
	}
	d.database(ctx)
	d.vendors(ctx)
	return d.result()
}

// examination is one run of the doctor.
type examination struct {
	settings Settings
	key      []byte // nil = it cannot be read
	out      io.Writer
	now      func() time.Time
	checks   int
	failed   int
}

func (d *examination) say(word, what, text string) {
	d.checks++
	if word == bad {
		d.failed++
	}
	fmt.Fprintf(d.out, "%-4s  %-14s %s\n", word, what, text)
}

func (d *examination) result() error {
	if d.failed == 0 {
		return nil
	}
	return fault.New(fault.Unavailable, "doctor", "%d of %d checks failed.", d.failed, d.checks)
}

// sentence is what an error says to people, else that it is not known.
func sentence(err error) string {
	if text := fault.MessageOf(err); text != "" {
		return text
	}
	return "This failed: " + err.Error()
}

func (d *examination) addresses() {
	s := d.settings
	for _, a := range []struct{ setting, address string }{
		{"LUMO_CORE_PUBLIC_URL", s.PublicURL}, {"LUMO_EDGE_PUBLIC_URL", s.EdgePublicURL}} {
		u, err := url.Parse(a.address)
		switch {
		case err != nil:
			d.say(bad, "addresses", a.setting+" is not an address.")
		case u.Path != "" && u.Path != "/":
			d.say(bad, "addresses", a.setting+" must have no path: Lumo has a whole host to itself.")
		case u.Scheme != "https" && !loopback(u.Hostname()):
			d.say(bad, "addresses", a.setting+" begins with http. Browsers then refuse to stay signed in, and LINE refuses the "+
				"webhook. Put a certificate before it and write https.")
		case loopback(u.Hostname()):
			d.say(note, "addresses", a.setting+" is "+a.address+", which only this machine reaches.")
		default:
			d.say(good, "addresses", a.setting+" is "+a.address+".")
		}
	}
	if s.PublicURL == s.EdgePublicURL {
		d.say(bad, "addresses", "LUMO_CORE_PUBLIC_URL and LUMO_EDGE_PUBLIC_URL are the same. Give customers' links a host of their own.")
	}
	if s.TLSCertFile != "" && !hasScheme(s.PublicURL, "https") {
		d.say(bad, "addresses", "LUMO_TLS_CERT_FILE makes the core speak https, but LUMO_CORE_PUBLIC_URL does not begin with it.")
	}
	if s.AllowPrivateTargets && s.LINEAPIURL == "https://api.line.me" {
		d.say(bad, "addresses", "LUMO_ALLOW_PRIVATE_TARGETS is on beside LINE's own address. It is for simulators only; take it away.")
	}
}

func hasScheme(address, scheme string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == scheme
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (d *examination) certificate() {
	s := d.settings
	if s.TLSCertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(s.TLSCertFile, s.TLSKeyFile)
	if err != nil {
		d.say(bad, "certificate", "LUMO_TLS_CERT_FILE and LUMO_TLS_KEY_FILE cannot be read, or do not belong together.")
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		d.say(bad, "certificate", "LUMO_TLS_CERT_FILE holds no certificate.")
		return
	}
	until := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch left := leaf.NotAfter.Sub(d.now()); {
	case left < 0:
		d.say(bad, "certificate", "The certificate ended on "+until+". Renew it.")
	case left < certificate:
		d.say(bad, "certificate", "The certificate ends on "+until+". Renew it now.")
	default:
		d.say(good, "certificate", "The certificate is good until "+until+".")
	}
}

func (d *examination) moduleKey() {
	key, err := base64.StdEncoding.DecodeString(d.settings.ModulePublicKey)
	switch {
	case d.settings.ModulePublicKey == "":
		d.say(note, "module key", "LUMO_MODULE_PUBLIC_KEY is not set: edges run the modules they bring, and no set can be published.")
	case err != nil || len(key) != publicKey:
		d.say(bad, "module key", "LUMO_MODULE_PUBLIC_KEY is not an Ed25519 key in base64. lumo-core modules keygen prints one.")
	default:
		d.say(good, "module key", "LUMO_MODULE_PUBLIC_KEY is a key; edges learn it when they enrol.")
	}
}

// database asks the database about itself, and what stands in it about edges.
func (d *examination) database(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*doctorTime)
	defer cancel()
	db, err := postgres.Open(ctx, string(d.settings.DatabaseURL))
	if err != nil {
		d.say(bad, "database", sentence(err))
		return
	}
	defer db.Close()
	began := d.now()
	state, err := operation.ReadDatabase(ctx, db)
	if err != nil {
		d.say(bad, "database", unread(err))
		return
	}
	d.server(state)
	d.schema(state)
	d.clock(state.Clock, began)
	if d.key == nil {
		return
	}
	v, err := vault.New(db, d.key)
	if err != nil {
		d.say(bad, "master key", sentence(err))
		return
	}
	d.sealed(ctx, db, v)
	d.edges(ctx, &App{db: db, vault: v, now: d.now})
}

func unread(err error) string {
	if fault.Is(err, fault.Unavailable) {
		return "PostgreSQL does not answer at LUMO_DATABASE_URL. Is it running, and are host, user and password right?"
	}
	return "The schema is not there, or this user may not use it. Run lumo-core migrate with the user that owns the database."
}

func (d *examination) server(s operation.Database) {
	switch {
	case s.Major < leastVersion:
		d.say(bad, "database", fmt.Sprintf("This is PostgreSQL %d. Lumo needs %d or newer.", s.Major, leastVersion))
	case s.ReplicaOnly:
		d.say(bad, "database", "This server takes no writes. Point LUMO_DATABASE_URL at the primary.")
	default:
		d.say(good, "database", fmt.Sprintf("PostgreSQL %d answers, with %d connections at most.", s.Major, s.MaxConns))
	}
	switch {
	case s.Bypassing:
		d.say(bad, "tenancy", "The role lumo_app is above row-level security. Run: ALTER ROLE lumo_app NOSUPERUSER NOBYPASSRLS")
	case s.Open != "":
		d.say(bad, "tenancy", fmt.Sprintf("Row-level security is off on the table %s: every merchant would see its rows. "+
			"Run: ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", s.Open, s.Open))
	default:
		d.say(good, "tenancy", "Row-level security holds for the role that Lumo works as.")
	}
}

func (d *examination) schema(s operation.Database) {
	switch {
	case s.Migrated < s.Newest:
		d.say(bad, "schema", "The schema is older than this program. Run lumo-core migrate, or start the core, which does it.")
	case s.Migrated > s.Newest:
		d.say(note, "schema", "The schema is newer than this program. Update it as soon as all cores can be.")
	default:
		d.say(good, "schema", "The schema is this program's.")
	}
}

// clock compares the machine's clock with the database's: times of one are judged by the other.
func (d *examination) clock(there, began time.Time) {
	here := began.Add(d.now().Sub(began) / 2)
	if gap := here.Sub(there).Abs(); gap > clockLimit {
		d.say(bad, "clock", fmt.Sprintf("This machine's clock and the database's are %s apart. Let both follow a time server.",
			gap.Round(100*time.Millisecond)))
		return
	}
	d.say(good, "clock", "This machine's clock agrees with the database's.")
}

// sealed opens something that was sealed under the master key.
func (d *examination) sealed(ctx context.Context, db *postgres.DB, v *vault.Vault) {
	offer := fleet.CoreKey{Number: 1, Private: []byte("none"), Public: []byte("none")}
	var found fleet.CoreKey
	err := operation.Try(ctx, db, func(ctx context.Context) (err error) {
		found, err = fleetstore.New(v).Key(ctx, fleet.KindSealing, offer)
		return err
	})
	switch {
	case err != nil && fault.Is(err, fault.Internal):
		d.say(bad, "master key", "This is not the key that the database was sealed under. Bring the right LUMO_MASTER_KEY back: "+
			"without it nothing that is sealed can be read.")
	case err != nil:
		d.say(bad, "master key", unread(err))
	case string(found.Public) == string(offer.Public):
		d.say(note, "master key", "Nothing is sealed yet. Keep a copy of the key apart from the database.")
	default:
		d.say(good, "master key", "The key opens what is sealed in the database.")
	}
}

func (d *examination) edges(ctx context.Context, a *App) {
	list, err := readEdges(ctx, a)
	if err != nil {
		d.say(bad, "edges", unread(err))
		return
	}
	if len(list) == 0 {
		d.say(note, "edges", "No edge is enrolled. lumo-core admin create-edge-code prints a code for one.")
	}
	for _, e := range list {
		d.edge(nameOf(e), e)
	}
	asking, err := readAsking(ctx, a)
	if err != nil {
		d.say(bad, "edges", unread(err))
		return
	}
	for _, e := range asking {
		d.say(bad, "edges", nameOf(e)+" is revoked and still runs: it sends all webhooks back. Stop it, or enrol it anew there.")
	}
}

func nameOf(e fleet.Edge) string {
	if e.Name == "" {
		return e.ID.With(id.Edge)
	}
	return e.Name
}

// edge says all that is wrong with one edge: a cure is no help while another trouble stays.
func (d *examination) edge(name string, e fleet.Edge) {
	wrong := d.contact(e)
	wrong = append(wrong, spool(e.Report)...)
	wrong = append(wrong, trouble(e.Report)...)
	for _, text := range wrong {
		d.say(bad, "edges", name+" "+text)
	}
	if len(wrong) == 0 {
		d.say(good, "edges", fmt.Sprintf("%s was heard of %s ago and holds %d records.", name,
			max(0, d.now().Sub(e.LastSeenAt)).Round(time.Second), e.Report.WaitingEvents))
	}
}

// contact is what is wrong between an edge and the core.
func (d *examination) contact(e fleet.Edge) []string {
	now := d.now()
	switch {
	case e.LastSeenAt.IsZero():
		return []string{"never connected. Does LUMO_EDGE_CORE_URL lead here? Run lumo-edge doctor there."}
	case now.Sub(e.LastSeenAt) > silentLimit:
		return []string{fmt.Sprintf("was heard of last %s ago. Look whether it runs and reaches the core; it keeps what it takes meanwhile.",
			now.Sub(e.LastSeenAt).Round(time.Second))}
	case !e.BehindSince.IsZero() && now.Sub(e.BehindSince) > behindLimit:
		return []string{fmt.Sprintf("has not applied what changed %s ago. See the log of the core that it is connected to, and its own.",
			now.Sub(e.BehindSince).Round(time.Second))}
	}
	return nil
}

// spool is what is wrong with what waits on an edge.
func spool(r fleet.Report) (wrong []string) {
	if oldest := time.Duration(r.OldestSeconds) * time.Second; oldest > spoolLimit {
		wrong = append(wrong, fmt.Sprintf("holds %d records, the oldest for %s. See whether a core runs and the database keeps up.",
			r.WaitingEvents, oldest))
	}
	if r.SpoolLimit > 0 && r.SpoolBytes > r.SpoolLimit/2 {
		wrong = append(wrong, fmt.Sprintf("has used %d %% of LUMO_EDGE_SPOOL_MAX. At 100 %% it sends webhooks back.",
			100*r.SpoolBytes/r.SpoolLimit))
	}
	return wrong
}

// trouble is what an edge tells of itself.
func trouble(r fleet.Report) (wrong []string) {
	if r.Trouble&edgeapi.TroubleSpool != 0 {
		wrong = append(wrong, "cannot keep webhooks and sends them back: its disk is full or fails, or LUMO_EDGE_SPOOL_MAX is used up.")
	}
	if r.Trouble&edgeapi.TroubleReplica != 0 {
		wrong = append(wrong, "cannot keep its configuration on disk: it would start with an older one. Look at the disk of LUMO_EDGE_DIR.")
	}
	if r.Trouble&edgeapi.TroubleModules != 0 {
		wrong = append(wrong, fmt.Sprintf("refused the newest modules (%s: %s). It goes on with version %d; the page \"Modules\" rolls back.",
			r.Refusal.Code(), r.Detail, r.Modules))
	}
	return wrong
}

// vendors looks whether they can be reached at all; any answer is one.
func (d *examination) vendors(ctx context.Context) {
	s := d.settings
	client, err := guardedClient(s.AllowPrivateTargets)
	if err != nil {
		d.say(bad, "vendors", sentence(err))
		return
	}
	client.Timeout = doctorTime
	defer client.CloseIdleConnections()
	for _, v := range []struct{ setting, address string }{
		{"LUMO_LINE_API_URL", s.LINEAPIURL}, {"LUMO_LINE_DATA_URL", s.LINEDataURL}, {"LUMO_LINE_ACCESS_URL", s.LINEAccessURL},
		{"LUMO_KLAVIYO_API_URL", s.KlaviyoAPIURL}, {"LUMO_KLAVIYO_WEB_URL", s.KlaviyoWebURL}} {
		if err := reach(ctx, client, v.address); err != nil {
			d.say(bad, "vendors", v.address+" does not answer. May this machine call the outside, and is "+v.setting+
				" right? A simulator on this machine needs LUMO_ALLOW_PRIVATE_TARGETS=true.")
			continue
		}
		d.say(good, "vendors", v.address+" answers.")
	}
	if s.KlaviyoClientID == "" || s.KlaviyoClientSecret == "" {
		d.say(note, "vendors", "LUMO_KLAVIYO_CLIENT_ID and LUMO_KLAVIYO_CLIENT_SECRET are not both set: nobody can connect Klaviyo.")
	}
	if s.ShopifyClientSecret == "" {
		d.say(note, "vendors", "LUMO_SHOPIFY_CLIENT_SECRET is not set: shops' webhooks are sent back.")
	}
}

func reach(ctx context.Context, c *http.Client, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return errors.New("no answer")
	}
	return res.Body.Close()
}
