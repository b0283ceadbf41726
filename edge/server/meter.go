package server

import "github.com/prometheus/client_golang/prometheus"

// Meter counts what the server does; nil counts nothing.
type Meter struct {
	undecidedTotal *prometheus.CounterVec
	hooks          *prometheus.CounterVec
	lost           prometheus.Counter
}

// NewMeter makes a meter and registers its metrics.
func NewMeter(r prometheus.Registerer) *Meter {
	m := &Meter{
		undecidedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_undecided_total",
			Help: "Requests about which a module did not decide."}, []string{"module"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_hooks_total",
			Help: "Webhooks by what became of them."}, []string{"kind", "outcome"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "lumo_edge_events_lost_total",
			Help: "Events that could not be spooled."}),
	}
	r.MustRegister(m.undecidedTotal, m.hooks, m.lost)
	return m
}

func (m *Meter) undecided(module string) {
	if m != nil {
		m.undecidedTotal.WithLabelValues(module).Inc()
	}
}

func (m *Meter) hook(kind, outcome string) {
	if m != nil {
		m.hooks.WithLabelValues(kind, outcome).Inc()
	}
}

func (m *Meter) eventLost() {
	if m != nil {
		m.lost.Inc()
	}
}
