// Command bench prints the figures of the shipped path as BENCH <name> <value> <unit>
// lines, each beside its peer in the same run.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// result is one round of load against one address.
type result struct {
	perSecond float64
	p50, p99  time.Duration
}

// closedLoop keeps conns connections busy for a while: each sends, waits, sends again.
// Answers other than the wanted status are errors, so that nobody is fast by failing.
func closedLoop(ctx context.Context, address string, conns int, span time.Duration, want int) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return result{}, err
	}
	request := []byte("GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host +
		"\r\nUser-Agent: Mozilla/5.0 (iPhone) Line/15.2.0\r\n\r\n")
	var group sync.WaitGroup
	times := make([][]time.Duration, conns)
	errs := make([]error, conns)
	begun := time.Now()
	for i := range conns {
		group.Go(func() { times[i], errs[i] = keepBusy(ctx, u.Host, request, want) })
	}
	group.Wait()
	took := time.Since(begun)
	for _, err := range errs {
		if err != nil {
			return result{}, err
		}
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	if len(all) == 0 {
		return result{}, fmt.Errorf("%s answered nothing", u.Host)
	}
	return result{perSecond: float64(len(all)) / took.Seconds(), p50: quantile(all, 0.50), p99: quantile(all, 0.99)}, nil
}

func keepBusy(ctx context.Context, host string, request []byte, want int) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 8<<10)
	var times []time.Duration
	for ctx.Err() == nil {
		begun := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return nil, err
		}
		if _, err := reader.Discard(int(max(res.ContentLength, 0))); err != nil {
			return nil, err
		}
		if res.StatusCode != want {
			return nil, fmt.Errorf("%s answered %d, want %d", host, res.StatusCode, want)
		}
		times = append(times, time.Since(begun))
	}
	return times, nil
}

// quantile is the element at floor(q*(n-1)) of the sorted times.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
