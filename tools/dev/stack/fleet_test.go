package stack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	patience = time.Minute
	tapEvery = 5 * time.Millisecond
)

// wire is what lies between edge and core; it can be cut.
type wire struct {
	listener net.Listener
	core     string

	mu    sync.Mutex // guards cut and open
	cut   bool
	open  map[net.Conn]bool
	ended sync.WaitGroup
}

func newWire(t *testing.T, core string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, core: core, open: map[net.Conn]bool{}}
	w.ended.Go(w.accept)
	t.Cleanup(func() { _ = l.Close(); w.set(true); w.ended.Wait() })
	return w
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.ended.Go(func() { w.join(near) })
	}
}

// join carries bytes both ways until one end closes or the wire is cut.
func (w *wire) join(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", w.core)
	if err != nil {
		return
	}
	defer far.Close()
	if !w.keep(near) {
		return
	}
	defer w.forget(near)
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
	_, _ = io.Copy(near, far)
	_ = near.Close()
	both.Wait()
}

func (w *wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut {
		w.open[c] = true
	}
	return !w.cut
}

func (w *wire) forget(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}

// set cuts the wire, with all that is under way, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for c := range w.open {
		if cut {
			_ = c.Close()
		}
	}
}

// load taps one tracked link again and again and counts what did not lead on.
type load struct {
	address string
	taps    atomic.Int64
	bad     atomic.Int64
	first   atomic.Value // string: the first failure
}

func startLoad(t *testing.T, address string) *load {
	t.Helper()
	l := &load{address: address}
	ctx, stop := context.WithCancel(t.Context())
	client := client()
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			pace := time.NewTicker(tapEvery)
			defer pace.Stop()
			for ctx.Err() == nil {
				l.tap(ctx, client)
				select {
				case <-pace.C:
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(func() { stop(); workers.Wait() })
	return l
}

// client is a phone that does not follow where links lead.
func client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// tap opens a link and tells what went wrong; empty = it led on.
func tap(ctx context.Context, client *http.Client, address string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err.Error()
	}
	res, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusFound {
		return res.Status
	}
	return ""
}

func (l *load) tap(ctx context.Context, client *http.Client) {
	problem := tap(ctx, client, l.address)
	if ctx.Err() != nil {
		return // the test is over
	}
	l.taps.Add(1)
	if problem != "" {
		l.bad.Add(1)
		l.first.CompareAndSwap(nil, problem)
	}
}

// scene is a stack with a shop, its phone, an operator, and a wire between edge and core.
type scene struct {
	t       *testing.T
	stack   *stack.Stack
	wire    *wire
	metrics string
	shop    seed.Shop
	sim     *seed.Sim
	console *seed.Console
	ops     *seed.Operator
	keys    string // folder
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// until looks again and again; ok tells what it saw.
func (s *scene) until(what string, ok func() (bool, error)) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; <-tick.C {
		done, err := ok()
		if done {
			return
		}
		if time.Since(begun) > patience {
			s.t.Fatalf("waited for %s: %v", what, err)
		}
	}
}

// key makes a key that signs modules and gives its public half.
func (s *scene) key(name string) (file, public string) {
	s.t.Helper()
	file = filepath.Join(s.keys, name)
	out, err := s.stack.Command(s.t.Context(), "modules", "keygen", file)
	s.must(err)
	return file, strings.TrimSpace(out)
}

// modules are the built ones in a folder of their own, one changed: a mark that no code reads,
// or a file that is no module of ours.
func (s *scene) modules(name, mark string) string {
	s.t.Helper()
	dir := filepath.Join(s.keys, name)
	s.must(os.MkdirAll(dir, 0o755))
	for _, m := range []string{"redirect", "qr", "hookauth"} {
		file, err := os.ReadFile(filepath.Join(s.stack.Root, "edge", "modules", m+".wasm"))
		s.must(err)
		switch {
		case m == "redirect" && mark == "broken":
			file = file[:8] // a module that exports nothing
		case m == "redirect" && mark != "":
			file = append(append(file, 0, byte(len(mark)+2), byte(len(mark))), mark+"."...)
		}
		s.must(os.WriteFile(filepath.Join(dir, m+".wasm"), file, 0o644))
	}
	return dir
}

// sign makes a signed set of a folder.
func (s *scene) sign(name, key, from, previous, version string) string {
	s.t.Helper()
	out := filepath.Join(s.keys, name)
	_, err := s.stack.Command(s.t.Context(), "modules", "sign", "--key", key, "--previous", previous, "--version", version,
		"--out", out, from)
	s.must(err)
	return out
}

func (s *scene) publish(dir string) {
	s.t.Helper()
	_, err := s.stack.Command(s.t.Context(), "modules", "publish", dir)
	s.must(err)
}

// moduleSet is what the page "Modules" shows of a set.
type moduleSet struct {
	Version int
	State   string
	Live    int
	Refused []struct{ Name, Reason, Detail string }
}

func (s *scene) newest() (moduleSet, error) {
	var all struct{ Sets []moduleSet }
	err := s.ops.Get(s.t.Context(), "/modules", &all)
	if err != nil || len(all.Sets) == 0 {
		return moduleSet{}, errors.Join(err, errors.New("there are no sets"))
	}
	return all.Sets[0], nil
}

// shows waits until the page shows the newest set as wanted.
func (s *scene) shows(what string, ok func(moduleSet) bool) moduleSet {
	s.t.Helper()
	var set moduleSet
	s.until(what, func() (bool, error) {
		var err error
		set, err = s.newest()
		return err == nil && ok(set), errors.Join(err, fmt.Errorf("the page shows %+v", set))
	})
	return set
}

// under insists that taps went on, all of them led on.
func (s *scene) under(l *load, what string) {
	s.t.Helper()
	before := l.taps.Load()
	s.until("taps to go on", func() (bool, error) { return l.taps.Load() > before+50, nil })
	if n := l.bad.Load(); n > 0 {
		s.t.Errorf("%s: %d of %d taps failed, the first with %v", what, n, l.taps.Load(), l.first.Load())
	}
}

// metric reads a number that the edge tells of itself.
func (s *scene) metric(name string) (string, error) {
	res, err := http.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s is not told", name)
	}
	return string(found[1]), nil
}

func (s *scene) metricIs(name, want string) {
	s.t.Helper()
	s.until(name+" "+want, func() (bool, error) {
		got, err := s.metric(name)
		return got == want, errors.Join(err, fmt.Errorf("it is %s", got))
	})
}

// messages are the texts on a phone.
func (s *scene) messages(person string) []string {
	s.t.Helper()
	chat, err := s.sim.Chat(s.t.Context(), person)
	s.must(err)
	var texts []string
	for _, m := range chat {
		texts = append(texts, m.Text())
	}
	return texts
}

func newScene(t *testing.T) *scene {
	t.Helper()
	c := config(t)
	c.Sim = true
	s := &scene{t: t, wire: newWire(t, c.CoreAddr), keys: filepath.Join(filepath.Dir(c.Dir), "keys")}
	s.must(os.MkdirAll(s.keys, 0o700))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.metrics = l.Addr().String()
	s.must(l.Close())
	c.Settings = []string{"LUMO_EDGE_CORE_URL=http://" + s.wire.listener.Addr().String(),
		"LUMO_EDGE_METRICS_ADDR=" + s.metrics}
	s.stack = open(t, c)
	t.Cleanup(func() {
		if err := s.stack.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.must(s.stack.Build(t.Context()))
	return s
}

// start brings everything up and makes a shop with a linked customer, and an operator.
func (s *scene) start() {
	s.t.Helper()
	ctx := s.t.Context()
	s.must(s.stack.Start(ctx))
	var err error
	s.shop, err = seed.Run(ctx, seed.Config{Stack: s.stack, Dir: s.keys, Out: s.t.Output()})
	s.must(err)
	s.sim = seed.NewSim(s.stack.SimURL())
	s.console, err = seed.SignIn(ctx, s.stack.CoreURL(), s.shop.Email, s.shop.Password)
	s.must(err)
	s.must(s.stack.AdminWith(ctx, password, "create-operator", "--email", "sato@ops.example", "--name", "Sato", "--password-stdin"))
	s.ops, err = seed.SignInOperator(ctx, s.stack.CoreURL(), "sato@ops.example", password)
	s.must(err)
	_, err = seed.Link(ctx, s.sim, s.shop.Code, "yuki", klaviyotest.DemoYuki, "callback_first")
	s.must(err)
}

// TestEdgesLifeAgainstARealCore plays what an edge meets in its life, with the real programs:
// modules replaced under load, bad ones refused, rolled back; cut off while keys change;
// revoked.
func TestEdgesLifeAgainstARealCore(t *testing.T) {
	s := newScene(t)
	key, public := s.key("signing")
	otherKey, otherPublic := s.key("other")
	s.stack.Settings = append(s.stack.Settings, public)
	s.start()
	s.must(s.sim.Trigger(t.Context(), klaviyotest.DemoYuki, klaviyotest.DemoMetric))
	var link string
	s.until("a message with a tracked link", func() (bool, error) {
		for _, text := range s.messages("yuki") {
			link = regexp.MustCompile(`https?://\S+/c/\S+`).FindString(text)
		}
		return link != "", nil
	})
	s.until("the edge to know the link", func() (bool, error) {
		problem := tap(t.Context(), client(), link)
		return problem == "", errors.New(problem)
	})
	l := startLoad(t, link)
	s.under(l, "before anything")

	own, first := s.modules("own", ""), s.modules("first", "lumo one")
	set := s.sign("set-2", key, first, own, "2")
	s.publish(set)
	s.shows("the first set to be live", func(m moduleSet) bool { return m.Version == 2 && m.Live == 1 })
	s.under(l, "a set was put to work")

	forged := s.sign("set-forged", otherKey, first, set, "4")
	if _, err := s.stack.Command(t.Context(), "modules", "publish", forged); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("a wrongly signed set is published: %v", err)
	}
	s.publish(s.sign("set-4", key, s.modules("broken", "broken"), set, "4"))
	m := s.shows("the broken set to be refused", func(m moduleSet) bool { return m.Version == 4 && len(m.Refused) == 1 })
	if m.Refused[0].Reason != "start" || m.Refused[0].Detail == "" || m.Live != 0 {
		t.Errorf("the page shows %+v", m)
	}
	s.metricIs("lumo_edge_modules_version", "2")
	s.under(l, "a broken set was refused")

	s.must(s.ops.Post(t.Context(), "/modules/4/roll_back", nil, nil))
	s.shows("the way back", func(m moduleSet) bool { return m.Version == 5 && m.Live == 1 && len(m.Refused) == 0 })
	s.under(l, "rolled back")

	// A core that was given another key: edges trust the one of their enrolment.
	s.restartCore(public, otherPublic)
	s.publish(s.sign("set-6", otherKey, s.modules("second", "lumo two"), set, "6"))
	m = s.shows("the set of another key to be refused", func(m moduleSet) bool { return m.Version == 6 && len(m.Refused) == 1 })
	if m.Refused[0].Reason != "signature" || m.Refused[0].Detail == "" || m.Live != 0 {
		t.Errorf("the page shows %+v", m)
	}
	s.under(l, "a set of another key was refused")
	s.restartCore(otherPublic, public)
	s.publish(s.sign("set-8", key, s.modules("third", "lumo three"), filepath.Join(s.keys, "set-6"), "8"))
	s.shows("the right key's set to be live", func(m moduleSet) bool { return m.Version == 8 && m.Live == 1 && len(m.Refused) == 0 })
	s.under(l, "all of it")
	t.Logf("%d taps led on while modules changed", l.taps.Load())

	s.cutOff()
	s.revoked()
}

// restartCore gives the core another setting in place of one.
func (s *scene) restartCore(old, new string) {
	s.t.Helper()
	s.must(s.stack.StopCore())
	for i, setting := range s.stack.Settings {
		if setting == old {
			s.stack.Settings[i] = new
		}
	}
	s.must(s.stack.StartCore(s.t.Context()))
}

type flowCall struct {
	Outcome, Reason, State string
	FlowID                 string `json:"flow_id"`
}

func (s *scene) calls() ([]flowCall, error) {
	var all struct{ Items []flowCall }
	err := s.console.Get(s.t.Context(), "/channels/"+s.shop.Channel+"/flow_requests", &all)
	return all.Items, err
}

// cutOff takes the edge's core away, has calls come with the right key, with the one that was
// replaced meanwhile and with a wrong one, and lets the core judge when it is back.
func (s *scene) cutOff() {
	s.t.Helper()
	ctx := s.t.Context()
	s.metricIs("lumo_edge_lease_fresh", "1")
	old, err := s.console.FlowSettings(ctx, s.shop.Channel, "")
	s.must(err)
	before := len(s.messages("yuki"))
	calls, err := s.calls()
	s.must(err)
	known := len(calls)
	s.wire.set(true)
	s.metricIs("lumo_edge_lease_fresh", "0")
	var fresh struct{ Value string }
	s.must(s.console.Post(ctx, "/channels/"+s.shop.Channel+"/flow_keys",
		map[string]string{"mode": "now", "confirm_name": "Hana Tea"}, &fresh))
	wrong := fresh.Value[:len(fresh.Value)-4] + "AAAA"
	for _, f := range []struct{ id, metric, key, text string }{
		{"RightK", "Right key", fresh.Value, "with the new key"},
		{"OldKey", "Old key", old.Key, "with the old key"},
		{"WrongK", "Wrong key", wrong, "with a wrong key"}} {
		settings := old
		settings.Key = f.key
		settings.Body = strings.Replace(old.Body, "Write your text here", f.text, 1)
		s.must(s.sim.InstallFlow(ctx, f.id, f.metric, f.metric, settings))
		s.must(s.sim.Trigger(ctx, klaviyotest.DemoYuki, f.metric))
		s.until("the edge to take the call of "+f.metric, func() (bool, error) { return s.answered(f.id, 202) })
	}
	if now := s.messages("yuki"); len(now) != before {
		s.t.Errorf("something was sent before the core judged it: %q", now[before:])
	}
	s.wire.set(false)
	s.until("the core to judge all three", func() (bool, error) {
		calls, err = s.calls()
		sent := len(calls) > 0 && len(calls) == known+3
		for _, c := range calls {
			sent = sent && (c.FlowID != "RightK" || c.State == "sent")
		}
		return sent, errors.Join(err, fmt.Errorf("calls %+v", calls))
	})
	for _, c := range calls {
		if (c.FlowID == "OldKey" || c.FlowID == "WrongK") && (c.Outcome != "refused" || c.Reason != "wrong_key") {
			s.t.Errorf("the Flow doctor shows %+v", c)
		}
	}
	if now := s.messages("yuki"); len(now) != before+1 || !strings.Contains(now[before], "with the new key") {
		s.t.Errorf("on the phone: %q", now[before:])
	}
	var doctor struct{ Findings []struct{ Code string } }
	s.must(s.console.Get(ctx, "/channels/"+s.shop.Channel+"/flow_doctor", &doctor))
	if text, _ := json.Marshal(doctor.Findings); !strings.Contains(string(text), "wrong_key") {
		s.t.Errorf("the Flow doctor finds %s", text)
	}
	s.metricIs("lumo_edge_lease_fresh", "1")
}

// answered tells whether a flow's newest call got a status.
func (s *scene) answered(flow string, status int) (bool, error) {
	var log struct {
		Items []struct {
			Code int `json:"status_code"`
		}
	}
	if err := s.sim.Get(s.t.Context(), "/klaviyo/activity?flow="+flow, &log); err != nil {
		return false, err
	}
	return len(log.Items) == 1 && log.Items[0].Code == status, fmt.Errorf("%+v", log)
}

// revoked ends the edge: its key at once, its stream as soon as the core looks.
func (s *scene) revoked() {
	s.t.Helper()
	ctx := s.t.Context()
	text, err := os.ReadFile(filepath.Join(s.stack.Dir, "edge", "identity.json"))
	s.must(err)
	var identity struct{ Key string }
	s.must(json.Unmarshal(text, &identity))
	var list struct {
		Items []struct{ ID, Name, State string }
	}
	s.must(s.ops.Get(ctx, "/edges", &list))
	if len(list.Items) != 1 || list.Items[0].State != "working" {
		s.t.Fatalf("the page shows %+v", list)
	}
	if got := s.asEdge(identity.Key); got != http.StatusNotFound {
		s.t.Fatalf("an enrolled edge asks for what is not there: %d", got)
	}
	begun := time.Now()
	s.must(s.ops.Post(ctx, "/edges/"+list.Items[0].ID+"/revoke", map[string]string{"name": list.Items[0].Name}, nil))
	if got := s.asEdge(identity.Key); got != http.StatusUnauthorized {
		s.t.Errorf("a revoked edge asks: %d", got)
	}
	s.until("its stream to end", func() (bool, error) {
		var edge struct {
			State string
			Log   []struct{ Action string }
		}
		err := s.ops.Get(ctx, "/edges/"+list.Items[0].ID, &edge)
		return err == nil && edge.State == "revoked" && edge.Log[0].Action == "went", errors.Join(err, fmt.Errorf("%+v", edge))
	})
	s.t.Logf("key and stream of the revoked edge were gone %s after the click", time.Since(begun).Round(time.Millisecond))
	s.must(s.ops.Get(ctx, "/edges", &list))
	if len(list.Items) != 0 {
		s.t.Errorf("the page still lists %+v", list.Items)
	}
}

// asEdge asks the core for a module that there is not, with an edge's key.
func (s *scene) asEdge(key string) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet,
		s.stack.CoreURL()+"/edge/v1/modules/"+strings.Repeat("0", 64), nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	_ = res.Body.Close()
	return res.StatusCode
}
