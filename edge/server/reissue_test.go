package server_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/webhooksig"
)

const (
	reissues      = 50
	senders       = 8
	sendEvery     = 40 * time.Millisecond // each: 200 requests a second together
	refusedWithin = time.Second
)

// The rule of the core: a new key is committed and pushed, and shown only when each edge has
// acknowledged it; the old one ends a moment later. Under load nobody who presents the newest
// key that was shown is refused, and an ended one is refused within a second.
func TestFiftyReissuesRefuseNoNewKeyAndEachOldOne(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	refOf := func(n uint16) edgeapi.KeyRef { return edgeapi.Ref(edgeapi.KeyFlow, n, edgeapitest.Channel) }
	keyOf := func(n uint16) string { return webhooksig.FormatFlowKey(uint32(n), [32]byte{byte(n), 6}) }
	acknowledged := func() {
		e.until("the edge acknowledged", func() bool { return e.core.Acked() == e.core.Version() })
	}
	// The newest key that a merchant can have seen. Who sends holds it for reading until answered,
	// so that a change of it waits for the requests on their way: that is what the overlap is for.
	var showing sync.RWMutex
	shown := edgeapitest.FlowKey()
	var sent atomic.Int64
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			client := &http.Client{Timeout: soon}
			defer client.CloseIdleConnections()
			tick := time.NewTicker(sendEvery)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				showing.RLock()
				status := send(t, client, e.url, shown)
				showing.RUnlock()
				if status != http.StatusOK && status != http.StatusAccepted {
					t.Errorf("a valid key was answered %d", status)
				}
				sent.Add(1)
			}
		})
	}
	client := &http.Client{Timeout: soon}
	defer client.CloseIdleConnections()
	var slowest time.Duration
	old := refOf(1)
	for n := uint16(2); n < 2+reissues; n++ {
		key, before := keyOf(n), shown
		hash := webhooksig.HashFlowKey(key)
		e.core.PutKey(refOf(n), edgeapi.KeyEntry{Secret: hash[:]})
		acknowledged()
		showing.Lock()
		shown = key
		showing.Unlock()
		passed := sent.Load()
		e.until("the new key is in use", func() bool { return sent.Load() >= passed+senders })
		e.core.Delete(edgeapi.TableKey, old.Append(nil))
		began := time.Now()
		for send(t, client, e.url, before) != http.StatusUnauthorized {
			if time.Since(began) > soon {
				t.Fatal("the old key still counts")
			}
		}
		slowest = max(slowest, time.Since(began))
		old = refOf(n)
	}
	close(stop)
	group.Wait()
	if slowest > refusedWithin {
		t.Errorf("an old key counted for %s", slowest)
	}
	t.Logf("%d reissues under %d requests, none refused wrongly; an old key counted at most %s",
		reissues, sent.Load(), slowest)
}

func send(t *testing.T, client *http.Client, url, key string) int {
	req, err := http.NewRequest(http.MethodPost, url+flowPth, strings.NewReader(flowBody))
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set(edgeapi.HeaderFlowKey, key)
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
