package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lumo/edge/core"
	"lumo/shared/fault"
)

const (
	doctorTime  = 5 * time.Second // for each question
	clockLimit  = 2 * time.Second // HTTP tells whole seconds
	renewBefore = 14 * 24 * time.Hour
	leastSpool  = 16 << 20 // a webhook has 5 MB at most
)

// The words that findings begin with.
const (
	good = "good"
	note = "note"
	bad  = "BAD"
)

// examination is one run of the doctor at the edge's own machine.
type examination struct {
	settings Settings
	identity core.Identity // no key = not enrolled
	out      io.Writer
	now      func() time.Time
	checks   int
	failed   int
}

// doctor says of each thing that must be right for an edge whether it is, and what to do where
// it is not. It leaves nothing changed, shows no secret, and may run beside the edge.
func doctor(ctx context.Context, environ []string, out io.Writer, now func() time.Time) error {
	d := &examination{out: out, now: now}
	var err error
	if d.settings, err = Read(environ); err != nil {
		d.say(bad, "settings", fault.MessageOf(err))
		return d.result()
	}
	d.say(good, "settings", "All settings are known and agree with each other.")
	d.addresses()
	d.proxies()
	d.certificate()
	d.folder()
	d.enrolment()
	d.moduleKey()
	d.room()
	d.core(ctx)
	d.listener(ctx)
	return d.result()
}

func (d *examination) say(word, what, text string) {
	d.checks++
	if word == bad {
		d.failed++
	}
	fmt.Fprintf(d.out, "%-4s  %-12s %s\n", word, what, text)
}

func (d *examination) result() error {
	if d.failed == 0 {
		return nil
	}
	return fault.New(fault.Unavailable, "doctor", "%d of %d checks failed.", d.failed, d.checks)
}

func (d *examination) addresses() {
	s := d.settings
	public, address := host(s.PublicURL), s.PublicURL
	switch {
	case address == s.CoreURL:
		d.say(bad, "addresses", "LUMO_EDGE_PUBLIC_URL and LUMO_EDGE_CORE_URL are the same. Give customers' links a host of their own.")
	case !strings.HasPrefix(address, "https://") && !local(public):
		d.say(bad, "addresses", "LUMO_EDGE_PUBLIC_URL begins with http. LINE calls webhooks at https alone. Put a certificate before the edge and write https.")
	case local(public):
		d.say(note, "addresses", "LUMO_EDGE_PUBLIC_URL is "+address+", which only this machine reaches.")
	default:
		d.say(good, "addresses", "LUMO_EDGE_PUBLIC_URL is "+address+". The core needs the same.")
	}
	if strings.HasPrefix(s.CoreURL, "http://") && !local(host(s.CoreURL)) {
		d.say(bad, "addresses", "LUMO_EDGE_CORE_URL begins with http: keys and customers' data would cross the network in the clear. Write https.")
	}
	if h, _, err := net.SplitHostPort(s.MetricsAddr); err == nil && !local(h) {
		d.say(note, "addresses", "LUMO_EDGE_METRICS_ADDR is "+s.MetricsAddr+". See that the public does not reach it.")
	}
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// proxies looks whom X-Forwarded-For is believed from.
func (d *examination) proxies() {
	s := d.settings
	for _, network := range s.Proxies {
		if network.Bits() == 0 {
			d.say(bad, "proxies", "LUMO_TRUSTED_PROXIES has "+network.String()+": everybody may say who he is. Name your proxies' networks alone.")
			return
		}
	}
	h, _, _ := net.SplitHostPort(s.Addr)
	switch {
	case len(s.Proxies) > 0:
		d.say(good, "proxies", "What LUMO_TRUSTED_PROXIES add to X-Forwarded-For counts, and nothing else.")
	case local(h) && !local(host(s.PublicURL)):
		d.say(bad, "proxies", "A proxy stands before this edge, but LUMO_TRUSTED_PROXIES is not set: all customers look like one, and forms "+
			"take ten claims a minute from all of them.")
	}
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
	case leaf.VerifyHostname(host(s.PublicURL)) != nil:
		d.say(bad, "certificate", "The certificate is not one of "+host(s.PublicURL)+", the host of LUMO_EDGE_PUBLIC_URL.")
	case left < 0:
		d.say(bad, "certificate", "The certificate ended on "+until+". Renew it.")
	case left < renewBefore:
		d.say(bad, "certificate", "The certificate ends on "+until+". Renew it now.")
	default:
		d.say(good, "certificate", "The certificate is good until "+until+".")
	}
}

// folder looks whether the edge could work in its folder as the user that runs the doctor.
func (d *examination) folder() {
	dir := d.settings.Dir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(note, "folder", "LUMO_EDGE_DIR is "+dir+", which the first start makes.")
		return
	case err != nil || !info.IsDir():
		d.say(bad, "folder", "LUMO_EDGE_DIR is "+dir+", which is no folder that this user may look into.")
		return
	}
	for _, kept := range []string{".", "spool", "replica"} {
		if err := tryWrite(filepath.Join(dir, kept)); err != nil {
			d.say(bad, "folder", "Nothing can be written to "+filepath.Join(dir, kept)+". Is the disk full or read-only, and does the folder "+
				"belong to the user that runs this?")
			return
		}
	}
	d.say(good, "folder", "The edge can write to "+dir+".")
	for _, secret := range []string{filepath.Join(dir, identityFile), d.settings.KeyFile} {
		if info, err := os.Stat(secret); err == nil && info.Mode().Perm()&0o077 != 0 {
			d.say(bad, "folder", "Others may read "+secret+". Run: chmod 600 "+secret)
		}
	}
}

// tryWrite leaves a folder as it was; one that is not there yet is the edge's to make.
func tryWrite(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := os.CreateTemp(dir, "doctor-")
	if err != nil {
		return err
	}
	_, err = f.WriteString("doctor")
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

func (d *examination) enrolment() {
	file := filepath.Join(d.settings.Dir, identityFile)
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.settings.Enrol == "":
		d.say(bad, "enrolment", "This edge is not enrolled. Set LUMO_EDGE_ENROL to a code of the page \"Edges\", or of lumo-core admin create-edge-code.")
	case errors.Is(err, fs.ErrNotExist):
		d.say(note, "enrolment", "The next start enrols this edge with LUMO_EDGE_ENROL. A code counts once, for 15 minutes.")
	case err != nil:
		d.say(bad, "enrolment", file+" cannot be read by this user.")
	case json.Unmarshal(b, &d.identity) != nil || d.identity.Key == "":
		d.identity = core.Identity{}
		d.say(bad, "enrolment", file+" is damaged. Remove it and enrol the edge anew.")
	case d.settings.Enrol != "":
		d.say(note, "enrolment", "This edge is "+d.identity.Edge+". LUMO_EDGE_ENROL did its work: take it out of the settings.")
	default:
		d.say(good, "enrolment", "This edge is "+d.identity.Edge+".")
	}
}

func (d *examination) moduleKey() {
	own, enrolled := []byte(d.settings.ModuleKey), d.identity.ModuleKey
	switch {
	case d.identity.Key == "":
	case len(own) > 0 && string(own) != string(enrolled):
		d.say(note, "module key", "LUMO_MODULE_PUBLIC_KEY outdoes the key of the enrolment: sets signed with any other are refused.")
	case len(own) == 0 && len(enrolled) == 0:
		d.say(note, "module key", "This edge knows no key that signs modules and refuses new sets. Set LUMO_MODULE_PUBLIC_KEY to take them.")
	default:
		d.say(good, "module key", "New sets of modules are taken with the right signature.")
	}
}

// room looks whether the spool can grow to its limit, and what was set aside beside it.
func (d *examination) room() {
	dir := filepath.Join(d.settings.Dir, "spool")
	var used, damaged int64
	_ = filepath.WalkDir(d.settings.Dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // what cannot be read was said of the folder
		}
		switch info, err := e.Info(); {
		case err != nil:
		case strings.Contains(name, ".damaged"):
			damaged++
		case strings.HasPrefix(name, dir):
			used += info.Size()
		}
		return nil
	})
	limit := int64(d.settings.SpoolMax)
	if limit < leastSpool {
		d.say(bad, "spool", fmt.Sprintf("LUMO_EDGE_SPOOL_MAX is under %d MB: one large webhook could fill it, and more are sent back.", leastSpool>>20))
	} else if free, ok := freeBytes(d.settings.Dir); ok && free < limit-used {
		d.say(bad, "spool", fmt.Sprintf("LUMO_EDGE_SPOOL_MAX is %d MB, but only %d MB are free beside the %d that its files take. Make it smaller or the disk larger.",
			limit>>20, free>>20, used>>20))
	} else {
		d.say(good, "spool", fmt.Sprintf("The spool's files take %d MB; %d MB may wait, and there is room for them.", used>>20, limit>>20))
	}
	if damaged > 0 {
		d.say(bad, "spool", fmt.Sprintf("%d files with damaged records lie beside the spool, in %s. The disk may be failing: look at it, then put them away.",
			damaged, d.settings.Dir))
	}
}

// core asks the core whether it knows this edge, and compares clocks.
func (d *examination) core(ctx context.Context) {
	client := core.New(core.Config{URL: d.settings.CoreURL, Identity: d.identity, Now: d.now})
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	there, err := client.Known(ctx)
	switch {
	case fault.Is(err, fault.Unavailable):
		d.say(bad, "core", "The core does not answer at "+d.settings.CoreURL+". Is LUMO_EDGE_CORE_URL right, and may this machine call it? "+
			"An edge that is enrolled works without it meanwhile.")
		return
	case errors.Is(err, core.ErrRevoked) && d.identity.Key == "":
		d.say(good, "core", "A core answers at "+d.settings.CoreURL+".")
	case errors.Is(err, core.ErrRevoked):
		d.say(bad, "core", "The core does not know this edge any more: it was revoked, or that is another core. Stop it, or remove "+
			filepath.Join(d.settings.Dir, identityFile)+" and enrol it anew.")
	case err != nil:
		d.say(bad, "core", fault.MessageOf(err))
		return
	default:
		d.say(good, "core", "The core knows this edge.")
	}
	if gap := d.now().Sub(there).Abs(); gap > clockLimit {
		d.say(bad, "clock", fmt.Sprintf("This machine's clock and the core's are %s apart. Let both follow a time server: an edge that starts "+
			"without the core takes its own.", gap.Round(time.Second)))
		return
	}
	d.say(good, "clock", "This machine's clock agrees with the core's.")
}

// listener looks whether the edge runs and is ready, or could listen.
func (d *examination) listener(ctx context.Context) {
	addr := d.settings.Addr
	l, problem := net.Listen("tcp", addr)
	if problem == nil {
		_ = l.Close()
		d.say(note, "edge", "No edge runs here: nobody listens on "+addr+".")
		return
	}
	scheme, where := "http", addr
	if d.settings.TLSCertFile != "" {
		scheme = "https"
	}
	if h, port, err := net.SplitHostPort(addr); err == nil && (h == "" || net.ParseIP(h).IsUnspecified()) {
		where = net.JoinHostPort("localhost", port)
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	status, text, err := get(ctx, scheme+"://"+where+"/readyz")
	switch {
	case err != nil && errors.Is(problem, fs.ErrPermission): // a low port, which the unit may have
		d.say(note, "edge", "No edge answers at "+addr+", where this user may not listen.")
	case err != nil:
		d.say(bad, "edge", addr+" cannot be listened on, and no edge answers there. Choose another LUMO_EDGE_ADDR.")
	case status == http.StatusOK:
		d.say(good, "edge", "An edge runs at "+addr+" and is ready.")
	case status == http.StatusServiceUnavailable:
		d.say(bad, "edge", "The edge at "+addr+" is not ready: "+text)
	default:
		d.say(bad, "edge", "Another program listens on "+addr+". Choose another LUMO_EDGE_ADDR.")
	}
}

// get asks this machine, whose certificate is looked at apart.
func get(ctx context.Context, address string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // it is our own listener
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	return res.StatusCode, strings.TrimSpace(string(b)), err
}
