package server

import "github.com/prometheus/client_golang/prometheus"

// Meter counts what the server does; nil counts nothing.
type Meter struct {
	requests       map[string][6]prometheus.Counter // by route, then by class of status
	undecidedTotal *prometheus.CounterVec
	hooks          *prometheus.CounterVec
	lost           prometheus.Counter
	panics         prometheus.Counter
	files          *prometheus.CounterVec
}

// NewMeter makes a meter and registers its metrics.
func NewMeter(r prometheus.Registerer) *Meter {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_requests_total",
		Help: "Answers by route and class of status."}, []string{"route", "status"})
	m := &Meter{
		requests: map[string][6]prometheus.Counter{},
		undecidedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_undecided_total",
			Help: "Requests about which a module did not decide."}, []string{"module"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_hooks_total",
			Help: "Webhooks by what was known of them and what became of them."}, []string{"auth",
			"outcome"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "lumo_edge_events_lost_total",
			Help: "Events that could not be spooled."}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "lumo_edge_panics_total",
			Help: "Requests that were given up because of a mistake in the program."}),
	}
	m.files = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_media_total",
		Help: "Media asked for, by whether they could be given."}, []string{"outcome"})
	r.MustRegister(requests, m.undecidedTotal, m.hooks, m.lost, m.panics, m.files)
	for _, module := range []string{linkModule, codeModule, hookModule} { // there before they rise
		m.undecidedTotal.WithLabelValues(module)
	}
	for _, to := range routes() {
		var counters [6]prometheus.Counter
		for class, name := range [...]string{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"} {
			counters[class] = requests.WithLabelValues(to.label, name)
		}
		m.requests[to.label] = counters
	}
	return m
}

func (m *Meter) served(label string, status int) {
	if m != nil && status < 600 {
		m.requests[label][status/100].Inc()
	}
}

func (m *Meter) undecided(module string) {
	if m != nil {
		m.undecidedTotal.WithLabelValues(module).Inc()
	}
}

func (m *Meter) hook(auth, outcome string) {
	if m != nil {
		m.hooks.WithLabelValues(auth, outcome).Inc()
	}
}

func (m *Meter) media(outcome string) {
	if m != nil {
		m.files.WithLabelValues(outcome).Inc()
	}
}

func (m *Meter) panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

func (m *Meter) eventLost() {
	if m != nil {
		m.lost.Inc()
	}
}
