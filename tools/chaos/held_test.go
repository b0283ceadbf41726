package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/prooftest"
)

// slack is what pools and caches may keep. A leak of one for each call is far beyond it.
func slack() prooftest.Usage { return prooftest.Usage{Goroutines: 60, Files: 60, Heap: 64 << 20} }

// held is what core and edge hold now, as their metrics tell.
func (w *world) held(ctx context.Context) (map[string]prooftest.Usage, error) {
	all := map[string]prooftest.Usage{}
	for name, addr := range w.metrics {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
		if err != nil {
			return nil, err
		}
		res, err := w.client.Do(req)
		if err != nil {
			return nil, err
		}
		values := map[string]float64{}
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			var metric string
			var value float64
			if n, _ := fmt.Sscan(lines.Text(), &metric, &value); n == 2 {
				values[metric] = value
			}
		}
		if err := res.Body.Close(); err != nil {
			return nil, err
		}
		if values["go_goroutines"] == 0 || runtime.GOOS == "linux" && values["process_open_fds"] == 0 {
			return nil, fmt.Errorf("the %s does not tell what it holds: %d metrics", name, len(values))
		}
		all[name] = prooftest.Usage{Goroutines: int(values["go_goroutines"]), Files: int(values["process_open_fds"]),
			Heap: int64(values["go_memstats_heap_alloc_bytes"])}
	}
	return all, nil
}

// returned is I13: at rest core and edge hold what they held before, once idle connections are
// closed and garbage is collected.
func (w *world) returned(ctx context.Context, base map[string]prooftest.Usage) {
	w.t.Helper()
	w.client.CloseIdleConnections()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		now, err := w.held(ctx)
		w.must(err)
		var found []string
		for name, usage := range now {
			for _, p := range usage.Beyond(base[name], slack()) {
				found = append(found, name+": "+p.String())
			}
		}
		if len(found) == 0 {
			w.t.Logf("held before %+v, after %+v", base, now)
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatal(strings.Join(found, "; "))
		case <-tick.C:
		}
	}
}

// linked is I10: the shop's links follow from their history.
func (w *world) linked(ctx context.Context) {
	w.t.Helper()
	conn, err := pgx.Connect(ctx, w.DatabaseURL())
	w.must(err)
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, `SELECT DISTINCT merchant_id FROM identity_link`)
	merchants, err := pgx.CollectRows(rows, pgx.RowTo[lumo.MerchantID])
	w.must(err)
	if len(merchants) == 0 {
		w.t.Error("nobody is linked: the history proves nothing")
	}
	for _, m := range merchants {
		found, err := prooftest.Logged(ctx, conn, m)
		w.must(err)
		for _, p := range found {
			w.t.Error(p)
		}
	}
}
