package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// result is one round of load against one address.
type result struct {
	perSecond float64
	p50, p99  time.Duration
}

// pause is when a connection may send next; it says when the answer is expected from, which
// is earlier than now when the last answer came too late. false = enough.
type pause func(ctx context.Context) (from time.Time, ok bool)

// closedLoop keeps conns connections busy for a while: each sends, waits, sends again.
func closedLoop(ctx context.Context, address string, conns int, span time.Duration) (result, error) {
	return load(ctx, address, conns, span, func(int) pause {
		return func(ctx context.Context) (time.Time, bool) { return time.Now(), ctx.Err() == nil }
	})
}

// fixedRate sends so many requests a second, spread over conns connections, whatever the
// answers take: one that is late makes those behind it late, and that is counted.
func fixedRate(ctx context.Context, address string, conns, perSecond int, span time.Duration) (result, error) {
	begun, step := time.Now(), time.Duration(conns)*time.Second/time.Duration(perSecond)
	return load(ctx, address, conns, span, func(n int) pause {
		due := begun.Add(step * time.Duration(n) / time.Duration(conns))
		return func(ctx context.Context) (time.Time, bool) {
			due = due.Add(step)
			wait := time.Until(due)
			if wait < 0 { // the last answer held this one up
				return due, ctx.Err() == nil
			}
			timer := time.NewTimer(wait)
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return due, false
			case <-timer.C: // a timer that is late is our own fault
				return time.Now(), true
			}
		}
	})
}

func load(ctx context.Context, address string, conns int, span time.Duration, next func(n int) pause) (result, error) {
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
		group.Go(func() { times[i], errs[i] = keepBusy(ctx, u.Host, request, next(i)) })
	}
	group.Wait()
	took := time.Since(begun)
	if err := errors.Join(errs...); err != nil {
		return result{}, err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	if len(all) == 0 {
		return result{}, fmt.Errorf("%s answered nothing", u.Host)
	}
	return result{perSecond: float64(len(all)) / took.Seconds(), p50: quantile(all, 0.50), p99: quantile(all, 0.99)}, nil
}

// keepBusy works one connection. Answers other than a redirect are errors, so that nobody is
// fast by failing. It reads no more of an answer than it must: on the same machine every
// instruction here is taken from the server.
func keepBusy(ctx context.Context, host string, request []byte, next pause) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var room [4 << 10]byte
	var times []time.Duration
	for {
		from, ok := next(ctx)
		if !ok {
			return times, nil
		}
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		if err := readRedirect(conn, room[:]); err != nil {
			return nil, fmt.Errorf("%s: %w", host, err)
		}
		times = append(times, time.Since(from))
	}
}

func readRedirect(conn io.Reader, room []byte) error {
	for n := 0; n < len(room); {
		more, err := conn.Read(room[n:])
		if err != nil {
			return err
		}
		n += more
		head := bytes.Index(room[:n], []byte("\r\n\r\n"))
		if head < 0 {
			continue
		}
		if !bytes.HasPrefix(room[:n], []byte("HTTP/1.1 302 ")) {
			return fmt.Errorf("answered %.30q, want a redirect", room[:n])
		}
		if rest := head + 4 + bodyLength(room[:head]) - n; rest > 0 {
			_, err = io.ReadFull(conn, room[:rest])
		}
		return err
	}
	return errors.New("the answer is too long")
}

func bodyLength(head []byte) int {
	const name = "\r\nContent-Length: "
	at := bytes.Index(head, []byte(name))
	if at < 0 {
		return 0
	}
	text, _, _ := bytes.Cut(head[at+len(name):], []byte("\r"))
	n, _ := strconv.Atoi(string(text))
	return n
}

// quantile is the element at floor(q*(n-1)) of the sorted times.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

func median(values []float64) float64 {
	values = slices.Clone(values)
	slices.Sort(values)
	return values[len(values)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
