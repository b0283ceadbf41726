package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Meter counts requests by class and outcome; nil counts nothing. Labels come from lists that
// stand here, never from a request.
type Meter struct {
	requests *prometheus.HistogramVec
	open     *prometheus.GaugeVec
}

// NewMeter makes a meter and registers its metrics.
func NewMeter(r prometheus.Registerer) *Meter {
	m := &Meter{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lumo_core_request_seconds",
			Help:    "Requests by class and by the first digit of their status.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 15}}, []string{"class", "outcome"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lumo_core_open_requests",
			Help: "Requests and websockets that are open now."}, []string{"class"}),
	}
	r.MustRegister(m.requests, m.open)
	return m
}

// enter counts a request in and answers how to count it out.
func (m *Meter) enter(class string) (leave func()) {
	if m == nil {
		return func() {}
	}
	g := m.open.WithLabelValues(class)
	g.Inc()
	return g.Dec
}

func (m *Meter) answered(class string, status int, took time.Duration) {
	if m != nil {
		m.requests.WithLabelValues(class, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
	}
}

// classOf is one of a few words for a request.
func classOf(r *http.Request) string {
	path := r.URL.Path
	for _, c := range []struct{ prefix, class string }{
		{"/edge/v1/requests", "edge_request"},
		{"/edge/v1/events", "edge_events"},
		{"/edge/v1/stream", "edge_stream"},
		{"/edge/v1/", "edge_other"},
		{"/oauth/", "oauth"},
		{"/healthz", "health"},
		{"/readyz", "health"},
	} {
		if strings.HasPrefix(path, c.prefix) {
			return c.class
		}
	}
	switch {
	case !strings.HasPrefix(path, "/api/"):
		return "page"
	case upgrade(r):
		return "live"
	}
	return "api"
}
