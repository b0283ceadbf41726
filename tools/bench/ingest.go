package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/id"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	ingestFriends    = 2_000
	ingestDeliveries = 300_000
	ingestEach       = 6 // events of a delivery: an open, and a click on each of five links
	ingestFirst      = 50_000_000
	ingestBatch      = 4_000 // as an edge hands them over
	ingestEdges      = 2
	ingestSpan       = 12 * time.Second // a round; five make the minute
)

// ingest measures the core taking opens and clicks from edges. Each of them counts, and makes
// a timeline row, a step of a counter and an event for Klaviyo.
func ingest(ctx context.Context, s *stack.Stack, shop seed.Shop, out io.Writer) error {
	number, err := ingestShop(ctx, s, shop)
	if err != nil {
		return err
	}
	next, edges := &atomic.Int64{}, make([]string, ingestEdges)
	for n := range edges {
		if edges[n], err = enrol(ctx, s); err != nil {
			return err
		}
	}
	var rates, cores, databases, senders []float64
	for range rounds {
		core, database, own := processorTime(s.CorePID()), treeTime(s.DatabasePID()), processorTime(os.Getpid())
		taken, took, err := ingestRound(ctx, s, edges, number, next)
		if err != nil {
			return err
		}
		each := func(now, before float64) float64 { return (now - before) * 1e6 / float64(taken) }
		rates = append(rates, float64(taken)/took.Seconds())
		cores = append(cores, each(processorTime(s.CorePID()), core))
		databases = append(databases, each(treeTime(s.DatabasePID()), database))
		senders = append(senders, each(processorTime(os.Getpid()), own))
	}
	bench(out, "ingest_events_per_s", median(rates), "/s")
	bench(out, "ingest_core_us", median(cores), "us")
	bench(out, "ingest_database_us", median(databases), "us")
	bench(out, "ingest_sender_us", median(senders), "us")
	return nil
}

// ingestRound hands batches over from all edges at once, for a while.
func ingestRound(ctx context.Context, s *stack.Stack, edges []string, number uint32, next *atomic.Int64) (
	taken int64, took time.Duration, err error) {
	begun := time.Now()
	errs := make([]error, len(edges))
	var sum atomic.Int64
	var group sync.WaitGroup
	for n, key := range edges {
		group.Go(func() {
			for errs[n] == nil && time.Since(begun) < ingestSpan {
				at := next.Add(1) - 1
				if at >= ingestDeliveries*ingestEach/ingestBatch {
					return
				}
				errs[n] = handOver(ctx, s, key, ingestEvents(number, at))
				sum.Add(ingestBatch)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, 0, err
		}
	}
	return sum.Load(), time.Since(begun), nil
}

// ingestEvents is a batch: as many deliveries, each with all its events.
func ingestEvents(number uint32, batch int64) []byte {
	var records []byte
	now := time.Now().UnixMilli()
	for n := range ingestBatch {
		subject := uint64(ingestFirst + (batch*ingestBatch+int64(n))/ingestEach)
		e := event.Event{Type: event.Open, Class: event.Person, Number: number, Subject: subject}
		if link := n % ingestEach; link > 0 {
			e.Type, e.Link = event.Click, uint32(link)
		}
		records = edgeapi.Record{Kind: edgeapi.RecordEvent, ID: newID(now), Body: e.Append(nil)}.Append(records)
	}
	return records
}

func newID(ms int64) id.ID {
	var entropy [10]byte
	rand.Read(entropy[:]) // never fails
	return id.New(ms, entropy)
}

func handOver(ctx context.Context, s *stack.Stack, key string, records []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.CoreURL()+"/edge/v1/events", bytes.NewReader(records))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Offset   int      `json:"offset"`
		Rejected []string `json:"rejected"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || answer.Offset != ingestBatch || len(answer.Rejected) > 0 {
		return fmt.Errorf("the core answered %s, took %d and refused %d", res.Status, answer.Offset, len(answer.Rejected))
	}
	return nil
}

// enrol makes another edge known to the core and gives its key.
func enrol(ctx context.Context, s *stack.Stack) (string, error) {
	code, err := s.Admin(ctx, "create-edge-code")
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{"code": strings.TrimSpace(code), "name": "bench"})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.CoreURL()+"/edge/v1/enrol", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Key string `json:"key"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer.Key, err
}

// ingestShop puts linked friends, and messages that were sent to them, into the demo shop, and
// gives the number of its LINE account.
func ingestShop(ctx context.Context, s *stack.Stack, shop seed.Shop) (number uint32, err error) {
	db, sealer, err := database(ctx, s)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	m, c, number, err := owner(ctx, db, shop)
	if err != nil {
		return 0, err
	}
	if err := db.InTenant(ctx, m, func(ctx context.Context) error { return crowd(ctx, sealer, m, c) }); err != nil {
		return 0, err
	}
	return number, db.InSystem(ctx, func(ctx context.Context) error { // as whatever adds many does
		_, err := postgres.Tx(ctx).Exec(ctx, "SELECT lumo_measure()")
		return err
	})
}

// database opens the stack's own, with the keys to what is sealed in it.
func database(ctx context.Context, s *stack.Stack) (*postgres.DB, *vault.Vault, error) {
	file, err := s.MasterKey()
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	master, err := vault.ParseMasterKey(string(text))
	if err != nil {
		return nil, nil, err
	}
	db, err := postgres.Open(ctx, s.DatabaseURL())
	if err != nil {
		return nil, nil, err
	}
	sealer, err := vault.New(db, master)
	return db, sealer, err
}

// owner is whose LINE account the shop's is.
func owner(ctx context.Context, db *postgres.DB, shop seed.Shop) (m lumo.MerchantID, c lumo.ChannelID, number uint32, err error) {
	channel, err := id.ParseWith(id.Channel, shop.Channel)
	if err != nil {
		return m, c, 0, err
	}
	var n int64
	err = db.InSystem(ctx, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `
SELECT merchant_id, target_id, number FROM number WHERE kind = 'channel' AND target_id = $1`, channel).Scan(&m, &c, &n)
	})
	return m, c, uint32(n), err
}

// crowd adds the people and what they got.
func crowd(ctx context.Context, v *vault.Vault, m lumo.MerchantID, c lumo.ChannelID) error {
	friends, err := people(ctx, v, m, c, 1, ingestFriends)
	if err != nil {
		return err
	}
	tx := postgres.Tx(ctx)
	_, err = tx.Exec(ctx, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
                           state, linked_at, created_at, updated_at)
SELECT $1, gen_random_uuid(), $2, t.id, a.id, '01BENCH' || t.n, 'qr', 'proven', 'linked', now(), now(), now()
  FROM unnest($3::uuid[]) WITH ORDINALITY AS t (id, n), klaviyo_account a
 WHERE a.merchant_id = $1`, m, c, friends)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state,
                      received_at, accepted_at, created_at, updated_at)
SELECT $1, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || substr(md5(n::text), 1, 20))::uuid,
       $4::bigint + n, $2, 'broadcast', gen_random_uuid(), ($3::uuid[])[1 + n % cardinality($3::uuid[])], 'accepted',
       now(), now(), now(), now()
  FROM generate_series(0, $5::int - 1) AS n`, m, c, friends, ingestFirst, ingestDeliveries)
	return err
}

// people adds friends whose LINE ids count from first.
func people(ctx context.Context, v *vault.Vault, m lumo.MerchantID, c lumo.ChannelID, first, count int) ([][16]byte, error) {
	friends, sealed, index := make([][16]byte, count), make([][]byte, count), make([][]byte, count)
	for n := range friends {
		f := newID(time.Now().UnixMilli())
		line := fmt.Sprintf("U%032x", first+n)
		var err error
		if sealed[n], err = v.Seal(ctx, m, "friend", "line_user_enc", f, []byte(line)); err != nil {
			return nil, err
		}
		if index[n], err = v.BlindIndex(ctx, m, "line_user", line); err != nil {
			return nil, err
		}
		friends[n] = f
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, display_name, follow_status,
                    follow_changed_at, consent, linked, created_at, updated_at)
SELECT $1, t.id, $2, t.sealed, t.bidx, 'Friend ' || t.n, 'following', now(), 'given', true, now(), now()
  FROM unnest($3::uuid[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS t (id, sealed, bidx, n)`,
		m, c, friends, sealed, index)
	return friends, err
}
