package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lumo/core/delivery"
	"lumo/core/fleet"
	"lumo/core/lumo"
	fleetstore "lumo/core/postgres/fleet"
	"lumo/core/postgres/operation"
	"lumo/core/web"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	metricsTime = 5 * time.Second
	// lookAgain is how old what the database says of the backlog may be: scrapers that come
	// often cost no more.
	lookAgain = 15 * time.Second
)

// metrics count what this process does. Labels are words from short lists in the code: no id,
// no name, nothing that somebody sent.
type metrics struct {
	registry   *prometheus.Registry
	site       *web.Meter
	events     *prometheus.CounterVec
	hooks      *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	vendors    *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_core_events_total",
			Help: "Events that edges brought, repeated ones too, by what became of them."}, []string{"outcome"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_core_edge_requests_total",
			Help: "Requests that edges passed on, at once or from their spools, by what became of them."},
			[]string{"kind", "outcome"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_core_deliveries_total",
			Help: "Deliveries that came into a state."}, []string{"state"}),
		vendors: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lumo_core_vendor_call_seconds",
			Help:    "Calls to vendors by status; none = no answer.",
			Buckets: []float64{.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30}}, []string{"vendor", "status"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.events, m.hooks, m.deliveries, m.vendors)
	m.site = web.NewMeter(m.registry)
	return m
}

// meteredTracker counts events on their way to a tracker.
type meteredTracker struct {
	next   fleet.Tracker
	events *prometheus.CounterVec
}

// Ingest passes events on.
func (t meteredTracker) Ingest(ctx context.Context, scope lumo.Scope, events []lumo.EdgeEvent) ([]id.ID, error) {
	rejected, err := t.next.Ingest(ctx, scope, events)
	if err != nil {
		t.events.WithLabelValues("failed").Add(float64(len(events)))
		return rejected, err
	}
	t.events.WithLabelValues("taken").Add(float64(len(events) - len(rejected)))
	t.events.WithLabelValues("rejected").Add(float64(len(rejected)))
	return rejected, nil
}

// meteredRoutes counts what each route answers.
func (m *metrics) meteredRoutes(routes []fleet.Route) []fleet.Route {
	out := make([]fleet.Route, len(routes))
	for i, r := range routes {
		kind := strings.ReplaceAll(strings.Trim(strings.TrimPrefix(r.Prefix, "/hooks"), "/"), "/", "_")
		r.Handler = meteredHandler{r.Handler, m.hooks.MustCurryWith(prometheus.Labels{"kind": kind})}
		out[i] = r
	}
	return out
}

type meteredHandler struct {
	next  fleet.Handler
	hooks *prometheus.CounterVec
}

// HandleEdge passes a request on.
func (h meteredHandler) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	a, err := h.next.HandleEdge(ctx, r)
	outcome := strconv.Itoa(a.Status/100) + "xx"
	if err != nil {
		outcome = string(fault.KindOf(err))
	}
	h.hooks.WithLabelValues(outcome).Inc()
	return a, err
}

// meteredVendors counts calls to the outside. Vendors are told apart by their hosts.
type meteredVendors struct {
	next  http.RoundTripper
	names map[string]string // host -> vendor
	calls *prometheus.HistogramVec
}

func (m *metrics) meterVendors(c *http.Client, s Settings) {
	names := map[string]string{}
	for vendor, addresses := range map[string][]string{"line": {s.LINEAPIURL, s.LINEDataURL, s.LINEAccessURL},
		"klaviyo": {s.KlaviyoAPIURL, s.KlaviyoWebURL}} {
		for _, address := range addresses {
			if u, err := url.Parse(address); err == nil {
				names[u.Host+firstPart(u.Path)] = vendor
			}
		}
	}
	c.Transport = meteredVendors{c.Transport, names, m.vendors}
}

// firstPart tells simulators apart, which share a host.
func firstPart(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + first
}

// RoundTrip makes one call.
func (v meteredVendors) RoundTrip(r *http.Request) (*http.Response, error) {
	vendor, ok := v.names[r.URL.Host+firstPart(r.URL.Path)]
	if !ok {
		vendor, ok = v.names[r.URL.Host+"/"]
	}
	if !ok {
		vendor = "other"
	}
	began := time.Now()
	res, err := v.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = res.StatusCode
	}
	observeVendor(v.calls, vendor, status, time.Since(began))
	return res, err
}

// observeVendor counts one call; status 0 = no answer.
func observeVendor(calls *prometheus.HistogramVec, vendor string, status int, took time.Duration) {
	text := "none"
	if status != 0 {
		text = strconv.Itoa(status)
	}
	calls.WithLabelValues(vendor, text).Observe(took.Seconds())
}

// lineSent counts one try of a message.
func (m *metrics) lineSent(status int, took time.Duration) {
	observeVendor(m.vendors, "line", status, took)
}

// deliveryMoved counts a state once it stands.
func (a *App) deliveryMoved(ctx context.Context, s delivery.State) {
	a.db.AfterCommit(ctx, func() { a.metrics.deliveries.WithLabelValues(string(s)).Inc() })
}

// observe registers what is asked for when somebody looks.
func (a *App) observe() {
	gauge := func(name, help string, value func() float64) {
		a.metrics.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("lumo_core_live_pages", "Console pages that listen.", func() float64 { return float64(a.hub.Pages()) })
	gauge("lumo_core_database_connections_used", "Connections at work.",
		func() float64 { return float64(a.db.Connections().Used) })
	gauge("lumo_core_database_connections_idle", "Connections at rest.",
		func() float64 { return float64(a.db.Connections().Idle) })
	gauge("lumo_core_database_connections_most", "Connections that the pool may have.",
		func() float64 { return float64(a.db.Connections().Most) })
	counter := func(name, help string, value func() float64) {
		a.metrics.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	counter("lumo_core_database_waits_total", "Times that work waited for a connection.",
		func() float64 { return float64(a.db.Connections().Waits) })
	counter("lumo_core_database_wait_seconds_total", "How long work waited for connections.",
		func() float64 { return a.db.Connections().Waited.Seconds() })
	a.metrics.registry.MustRegister(&backlog{app: a})
}

// backlog tells what stands in the database when somebody looks.
type backlog struct {
	app  *App
	mu   sync.Mutex          // guards what follows
	at   time.Time           // of the last look
	last []prometheus.Metric // what it showed
}

// Describe says nothing: what there is depends on the database.
func (*backlog) Describe(chan<- *prometheus.Desc) {}

// Collect looks, unless it did a moment ago.
func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.app.now(); now.Sub(b.at) >= lookAgain || len(b.last) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), metricsTime)
		defer cancel()
		b.at, b.last = now, b.look(ctx)
	}
	for _, m := range b.last {
		ch <- m
	}
}

func (b *backlog) look(ctx context.Context) (out []prometheus.Metric) {
	add := func(name, help string, value float64, labels ...string) {
		names, values := []string{}, []string{}
		for i := 0; i < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		out = append(out, prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil),
			prometheus.GaugeValue, value, values...))
	}
	up := 1.0
	if err := errors.Join(b.waiting(ctx, add), b.leases(ctx, add), b.edges(ctx, add), b.aside(ctx, add)); err != nil {
		b.app.log.WarnContext(ctx, "metrics are not complete", "op", "app.backlog", "kind", string(fault.KindOf(err)), "error", err)
		up = 0
	}
	add("lumo_core_database_up", "1 while the database answered what metrics ask.", up)
	return out
}

type adder func(name, help string, value float64, labels ...string)

func (b *backlog) waiting(ctx context.Context, add adder) error {
	v, err := operation.ReadBacklog(ctx, b.app.db)
	if err != nil {
		return err
	}
	now := b.app.now()
	for state, n := range v.Outbox {
		add("lumo_core_outbox_items", "What Klaviyo shall get; kept = set aside for a person to see.", float64(n), "state", state)
	}
	add("lumo_core_outbox_oldest_seconds", "How long the oldest item waits for Klaviyo.", ageOf(v.OutboxOldest, now))
	for state, n := range v.Deliveries {
		add("lumo_core_deliveries_open", "Deliveries that have not ended.", float64(n), "state", state)
	}
	add("lumo_core_deliveries_overdue_seconds", "How long the first open delivery is due.", ageOf(v.DeliveryFirst, now))
	for state, n := range v.Hooks {
		add("lumo_core_hooks", "Webhooks that are not worked off; kept = set aside for a person to see.", float64(n), "state", state)
	}
	return nil
}

// ageOf is how long ago a time is; in the future and never are 0.
func ageOf(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t).Seconds())
}

func (b *backlog) leases(ctx context.Context, add adder) error {
	list, err := operation.Leases(ctx, b.app.db)
	for _, l := range list {
		const help = "Turns of background work; due = it is time and nobody has begun."
		add("lumo_core_work_turns", help, float64(l.Held), "kind", l.Kind, "state", "held")
		add("lumo_core_work_turns", help, float64(l.Due), "kind", l.Kind, "state", "due")
		add("lumo_core_work_turns", help, float64(l.Resting), "kind", l.Kind, "state", "resting")
		add("lumo_core_work_overdue_seconds", "How long the oldest due turn waits.", l.Overdue, "kind", l.Kind)
	}
	return err
}

func (b *backlog) edges(ctx context.Context, add adder) error {
	list, err := readEdges(ctx, b.app)
	if err != nil {
		return err
	}
	var alive, silent, records, oldest float64
	for _, e := range list {
		if e.Alive(b.app.now()) {
			alive++
		} else {
			silent++
		}
		records += float64(e.Report.WaitingEvents)
		oldest = max(oldest, float64(e.Report.OldestSeconds))
	}
	add("lumo_core_edges", "Edges by whether they were heard of just now.", alive, "state", "alive")
	add("lumo_core_edges", "Edges by whether they were heard of just now.", silent, "state", "silent")
	add("lumo_core_edge_spool_records", "Records that wait in edges, as they told last.", records)
	add("lumo_core_edge_spool_oldest_seconds", "Age of the oldest record that waits in an edge, as told last.", oldest)
	return nil
}

// aside tells of what edges brought and nobody could take. Each reason is there from the start, so
// that the first one is seen as a rise.
func (b *backlog) aside(ctx context.Context, add adder) error {
	var all []fleet.Aside
	err := b.app.db.InSystem(ctx, func(ctx context.Context) (err error) {
		all, err = fleetstore.New(b.app.vault).Aside(ctx, id.ID{})
		return err
	})
	if err != nil {
		return err
	}
	n := map[string]int64{}
	for _, a := range all {
		n[a.Reason()] += a.N
	}
	for _, reason := range fleet.AsideReasons() {
		add("lumo_core_edge_set_aside", "Records of edges, of the last 30 days, that the core could not take.",
			float64(n[reason]), "reason", reason)
	}
	return nil
}

func readEdges(ctx context.Context, a *App) (list []fleet.Edge, err error) {
	err = a.db.InSystem(ctx, func(ctx context.Context) error {
		list, err = fleetstore.New(a.vault).Edges(ctx)
		return err
	})
	return list, err
}

// readAsking reads the edges that run although they are revoked.
func readAsking(ctx context.Context, a *App) (list []fleet.Edge, err error) {
	now := a.now()
	err = a.db.InSystem(ctx, func(ctx context.Context) error {
		list, err = fleetstore.New(a.vault).Asking(ctx, now.Add(-time.Hour))
		return err
	})
	return slices.DeleteFunc(list, func(e fleet.Edge) bool { return !e.StillAsks(now) }), err
}

// listenToMetrics opens their listener, which is apart from what is public; nil = off.
func (a *App) listenToMetrics() (net.Listener, error) {
	if a.settings.MetricsAddr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", a.settings.MetricsAddr)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "app.listenToMetrics",
			"%s cannot be listened on. Choose another LUMO_CORE_METRICS_ADDR.", a.settings.MetricsAddr)
	}
	return l, nil
}

func (a *App) serveMetrics(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	s := &http.Server{ReadHeaderTimeout: metricsTime, ReadTimeout: metricsTime, Handler: mux}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fault.As(fault.Unavailable, "app.serveMetrics", err)
	}
	return nil
}
