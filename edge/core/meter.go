package core

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Meter counts calls to the core; nil counts nothing.
type Meter struct {
	asks     *prometheus.HistogramVec
	handed   *prometheus.CounterVec
	rejected prometheus.Counter
}

// NewMeter makes a meter and registers its metrics.
func NewMeter(r prometheus.Registerer) *Meter {
	m := &Meter{
		asks: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lumo_edge_core_call_seconds",
			Help:    "Requests passed on to the core, by what became of them.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5}},
			[]string{"outcome"}),
		handed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumo_edge_handed_over_records_total",
			Help: "Spooled records that the core took."}, []string{"kind"}),
		rejected: prometheus.NewCounter(prometheus.CounterOpts{Name: "lumo_edge_rejected_records_total",
			Help: "Spooled records that the core keeps aside."}),
	}
	r.MustRegister(m.asks, m.handed, m.rejected)
	return m
}

func (m *Meter) asked(outcome string, took time.Duration) {
	if m != nil {
		m.asks.WithLabelValues(outcome).Observe(took.Seconds())
	}
}

func (m *Meter) handedOver(kind string, t Taken) {
	if m != nil {
		m.handed.WithLabelValues(kind).Add(float64(t.Offset))
		m.rejected.Add(float64(len(t.Rejected)))
	}
}
