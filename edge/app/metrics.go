package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const metricsTime = 5 * time.Second

// measure registers what is asked for when somebody looks.
func (e *edge) measure() {
	e.metrics.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		e.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			value))
	}
	gauge("lumo_edge_spool_records", "Records that the core has not taken.",
		func() float64 { return float64(e.spool.Stats().Waiting) })
	gauge("lumo_edge_spool_bytes", "Bytes of records that wait.",
		func() float64 { return float64(e.spool.Stats().Bytes) })
	gauge("lumo_edge_spool_oldest_seconds", "Age of the oldest record that waits.",
		func() float64 { return e.spool.Stats().Oldest.Seconds() })
	gauge("lumo_edge_spool_damaged_records", "Records passed over since the start.",
		func() float64 { return float64(e.spool.Stats().Damaged) })
	gauge("lumo_edge_spool_failing", "1 while the spool cannot be written.",
		func() float64 { return one(e.spool.Stats().Failing) })
	gauge("lumo_edge_config_version", "Configuration that answers.",
		func() float64 { return float64(e.replica.Version()) })
	gauge("lumo_edge_config_links", "Links in the replica.",
		func() float64 { return float64(e.replica.Size(edgeapi.TableLink)) })
	gauge("lumo_edge_config_unkept", "1 while the configuration cannot be kept on disk.",
		func() float64 { return one(e.replica.Failing()) })
	gauge("lumo_edge_modules_version", "Module set that decides, 0 = the built-in one.",
		func() float64 { return float64(e.modules.Version()) })
	gauge("lumo_edge_modules_refused", "1 while the newest module set is refused.",
		func() float64 { return one(e.modules.Trouble()) })
	gauge("lumo_edge_spool_full", "1 while the spool has no room for webhooks.",
		func() float64 { return one(e.spool.Stats().Full) })
	gauge("lumo_edge_media_bytes", "Bytes of media kept on disk.",
		func() float64 { return float64(e.media.Size()) })
	gauge("lumo_edge_lease_fresh", "1 while the core's word is fresh.",
		func() float64 { return one(e.replica.Fresh()) })
}

func one(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func (e *edge) serveMetrics(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(e.metrics, promhttp.HandlerOpts{}))
	s := &http.Server{ReadHeaderTimeout: metricsTime, Handler: mux}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fault.As(fault.Unavailable, "app.serveMetrics", err)
	}
	return nil
}
