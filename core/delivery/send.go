package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	batch            = 256
	worthwhile       = 64  // a batch of broadcasts is at least so large, where others are on their way
	inFlight         = 512 // pushes of one channel at once
	forSingles       = 64  // of them kept for everything but broadcasts
	chunksInFlight   = 16
	broadcastsAtOnce = 2 // batches of broadcasts that are prepared at once, of all merchants
	pushLimit        = 15 * time.Second
	rateRetry        = 2 * time.Second
	firstRetry       = time.Second
	longestRetry     = 5 * time.Minute
	accountLife      = 5 * time.Second // of what a sender remembers of its account
	refill           = 10 * time.Millisecond
	flowMoment       = 200 * time.Millisecond // after a flow send broadcasts leave it room for so long
	politest         = 100 * time.Millisecond // is the longest that they wait at once
)

// Pace is how fast LINE lets one channel send.
type Pace struct {
	Push      rate.Limit // requests a second
	Multicast rate.Limit
	Burst     int
}

// linesPace is 95 % of LINE's 2,000 and 200.
func linesPace() Pace { return Pace{Push: 1900, Multicast: 190, Burst: 100} }

// channelSender sends for one channel under one lease.
type channelSender struct {
	service    *Service
	lease      Lease
	singles    *lane
	multicasts *lane
	flying     atomic.Int64 // pushes on their way
	chunkers   chan struct{}
	pushes     sync.WaitGroup
	settler    *settler
	chunkLook  time.Time   // when chunks that were tried before were looked for; takeBroadcasts' own
	usedUp     atomic.Bool // LINE said so, since its figure was read

	mu      sync.Mutex // guards account and until
	account account
	until   time.Time

	ending sync.Mutex // guards ended
	ended  bool       // nothing is launched any more
}

// lane is one of LINE's endpoints: each has a limit of its own.
type lane struct {
	bucket *rate.Limiter
	slowed atomic.Int64 // Unix nanoseconds until which LINE asked us to wait
}

// newLane begins empty: the last owner may have used this second.
func newLane(pace rate.Limit, burst int) *lane {
	l := &lane{bucket: rate.NewLimiter(pace, burst)}
	l.bucket.AllowN(time.Now(), burst)
	return l
}

// rest is how long LINE wants nothing.
func (l *lane) rest() time.Duration { return time.Until(time.Unix(0, l.slowed.Load())) }

// account is what a push needs to know of its channel.
type account struct {
	channel lumo.Channel
	keys    lumo.Keys
}

func newChannelSender(s *Service, l Lease) *channelSender {
	return &channelSender{service: s, lease: l, chunkers: make(chan struct{}, chunksInFlight), settler: startSettler(s, l),
		singles: newLane(s.Pace.Push, s.Pace.Burst), multicasts: newLane(s.Pace.Multicast, s.Pace.Burst)}
}

// wait ends when every push was answered and every answer recorded.
func (c *channelSender) wait() {
	c.ending.Lock()
	c.ended = true
	c.ending.Unlock()
	c.pushes.Wait()
	c.settler.finish()
}

// takeSingles takes one batch of everything but broadcasts. more tells that there may be
// further ones.
func (c *channelSender) takeSingles(ctx context.Context) (more bool, err error) {
	return c.take(ctx, Due{Limit: min(batch, c.room())})
}

// takeBroadcasts takes as much of broadcasts as LINE lets go now: what is taken waits no more,
// so that a stop holds from the next batch on, and flow sends find the bucket filled. While
// flow sends are on their way its batches are small and it rests between them.
func (c *channelSender) takeBroadcasts(ctx context.Context) (more bool, err error) {
	select {
	case c.service.gate <- struct{}{}: // merchants take turns
	case <-ctx.Done():
		return false, nil
	}
	defer func() { <-c.service.gate }()
	most := batch
	flowing := c.service.flowing()
	if flowing {
		most = worthwhile
	}
	limit := min(most, c.room()-forSingles, c.tokens())
	if limit <= 0 || limit < worthwhile && c.flying.Load() > 0 {
		return true, lumo.Pause(ctx, refill)
	}
	now, alike := time.Now(), c.alike(flowing)
	again := alike > 0 && now.Sub(c.chunkLook) >= lookEvery // what waits for LINE's word is seldom there
	if again {
		c.chunkLook = now
	}
	more, err = c.take(ctx, Due{Broadcasts: true, Chunks: again, Limit: limit, Alike: alike})
	if flowing && err == nil {
		// As long again belongs to flow sends: the busier the machine is, the longer that is.
		_ = lumo.Pause(ctx, min(time.Since(now), politest)) // ends early with ctx, which the loop sees
	}
	return more, err
}

// flowing tells whether anything but broadcasts left this process a moment ago.
func (s *Service) flowing() bool { return time.Now().UnixNano() < s.flowed.Load()+int64(flowMoment) }

// room is how many more pushes may be on their way.
func (c *channelSender) room() int { return inFlight - int(c.flying.Load()) }

// tokens is how many pushes LINE would take now, some left for flow sends.
func (c *channelSender) tokens() int {
	bucket := c.singles.bucket
	if bucket.Limit() == rate.Inf {
		return batch
	}
	return int(bucket.Tokens()) - bucket.Burst()/10
}

// alike is how many people one request may have now: a whole one, unless flow sends are on their
// way, for which a batch is small. The pace of pushes is no bound: LINE counts requests.
func (c *channelSender) alike(flowing bool) int {
	bucket := c.multicasts.bucket
	switch {
	case c.multicasts.rest() > 0 || len(c.chunkers) == cap(c.chunkers) || bucket.Limit() != rate.Inf && bucket.Tokens() < 1:
		return 0
	case flowing:
		return worthwhile
	}
	return chunkSize
}

// take commits one batch to its bytes, and begins to push it.
func (c *channelSender) take(ctx context.Context, q Due) (more bool, err error) {
	if rest := c.singles.rest(); rest > 0 {
		return true, lumo.Pause(ctx, min(rest, lookEvery))
	}
	if q.Limit <= 0 {
		return false, nil // answers make room, and the next look finds it
	}
	s := c.service
	q.Now = s.Now()
	b := &taking{sender: c, due: q}
	// Whoever stops in the middle of the commit would not know what it left to be sent.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), pushLimit)
	defer cancel()
	err = s.Units.InTenant(whole, c.lease.Merchant, b.run)
	if err != nil {
		if b.suspect.ID != (lumo.DeliveryID{}) && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Stale) {
			err = c.fail(ctx, b.suspect, err)
		}
		return false, fault.Wrap("delivery.take", err)
	}
	c.launch(ctx, b)
	for _, k := range b.chunks {
		c.chunkers <- struct{}{}
		c.pushes.Go(func() {
			defer func() { <-c.chunkers }()
			c.pushChunk(ctx, b.account.keys, k)
		})
	}
	if b.readQuota {
		c.usedUp.Store(false)
		if err := s.Quotas.ReadQuota(ctx, c.lease.Merchant, c.lease.Channel); err != nil {
			return false, err
		}
	}
	return b.more, nil
}

// launch begins to push what is committed to its bytes. After the sender's end it does not: the
// account's next owner finds it.
func (c *channelSender) launch(ctx context.Context, b *taking) {
	c.ending.Lock()
	defer c.ending.Unlock()
	if c.ended {
		return
	}
	c.flying.Add(int64(len(b.ready)))
	if len(b.ready) > 0 && !b.due.Broadcasts {
		c.service.flowed.Store(time.Now().UnixNano())
	}
	for _, d := range b.ready {
		c.pushes.Go(func() {
			defer c.flying.Add(-1)
			c.push(ctx, b.account.keys, d)
		})
	}
}

// fail notes that a delivery could not be prepared for a reason of our own. It is tried again a
// few times, then kept aside for a person: one bad delivery never stops the others.
func (c *channelSender) fail(ctx context.Context, d Delivery, cause error) error {
	s := c.service
	s.Log.ErrorContext(ctx, "a delivery cannot be prepared", "op", "delivery.take", "delivery", d.ID.String(),
		"error", cause.Error())
	return s.Units.InTenant(ctx, d.Merchant, func(ctx context.Context) error {
		return s.Store.Fail(ctx, d.Merchant, d.ID, s.Now().Add(failRetry), failTries)
	})
}

// known is what a push needs of the account; it is read again after a few seconds.
func (c *channelSender) known(ctx context.Context) (account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Before(c.until) {
		return c.account, nil
	}
	var a account
	var err error
	s := c.service
	if a.channel, err = s.Channels.Get(ctx, c.lease.Merchant, c.lease.Channel); err != nil {
		return a, err
	}
	a.keys.ID, a.keys.Secret, err = s.Channels.MessagingCredentials(ctx, c.lease.Merchant, c.lease.Channel)
	if err == nil {
		c.account, c.until = a, now.Add(accountLife)
	}
	return a, err
}

// push makes one try and has it recorded. The try may outlive the lease: its bytes and key are
// committed, and what it learns is worth recording whoever owns the channel now.
func (c *channelSender) push(ctx context.Context, keys lumo.Keys, d Delivery) {
	result := c.send(ctx, c.singles, func(ctx context.Context) Result {
		return c.service.Pusher.Push(ctx, keys, d.Key, d.Body)
	})
	c.settler.record(note{one: judge(d, result, c.service.Now())})
}

func (c *channelSender) pushChunk(ctx context.Context, keys lumo.Keys, k Chunk) {
	result := c.send(ctx, c.multicasts, func(ctx context.Context) Result {
		return c.service.Pusher.Multicast(ctx, keys, k.Key, k.Body)
	})
	o := judgeChunk(k, result, c.service.Now())
	c.settler.record(note{chunk: &o})
}

func (c *channelSender) send(ctx context.Context, l *lane, try func(context.Context) Result) Result {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pushLimit)
	defer cancel()
	if l.bucket.Wait(ctx) != nil {
		return Result{Verdict: SlowDown}
	}
	result := try(ctx)
	if result.Verdict == SlowDown {
		l.slowed.Store(time.Now().Add(rateRetry / 2).UnixNano())
	}
	if result.Verdict == UsedUp {
		c.usedUp.Store(true)
	}
	return result
}
