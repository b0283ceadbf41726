package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// chunkSize is how many people LINE takes in one request.
const chunkSize = 500

// Chunk is deliveries of one logical message that go in one request. Who is in it is frozen
// with its bytes: a second try names the same people in the same order.
type Chunk struct {
	Merchant   lumo.MerchantID
	Channel    lumo.ChannelID
	ID         id.ID
	Kind       string
	Logical    id.ID
	Deliveries []Delivery // in the order of the body; empty when read again
	State      State
	Key        uuid.UUID
	Body       []byte
	Tries      int
	Expired    bool
}

// ChunkOutcome is what a try of a chunk came to. Where LINE did not take it, each of its
// deliveries goes its own way again; Bad, counted from 1, is the one that LINE refused.
type ChunkOutcome struct {
	Chunk     Chunk
	State     State
	Reason    string
	Data      map[string]any
	NextAt    time.Time
	Bad       int
	RequestID string
}

// chunker gathers the deliveries of a batch that say the same.
type chunker struct {
	taking   *taking
	open     Chunk
	messages json.RawMessage
	units    json.RawMessage // under which LINE adds up what is opened and tapped; nil = none
}

// add puts a delivery into the open chunk of its logical message.
func (k *chunker) add(ctx context.Context, d Delivery) error {
	if d.Logical != k.open.Logical || len(k.open.Deliveries) == chunkSize {
		k.close()
		if err := k.begin(ctx, d); err != nil {
			return err
		}
	}
	if k.messages == nil {
		return nil // what it says cannot be sent: decided with begin's reason
	}
	k.open.Deliveries = append(k.open.Deliveries, d)
	return nil
}

// begin opens a chunk. What it says is rendered for nobody in particular: its links and
// pictures are those of a send to many.
func (k *chunker) begin(ctx context.Context, d Delivery) error {
	s, t := k.taking.sender.service, k.taking
	nobody := lumo.LineUserID("U" + strings.Repeat("0", 32))
	body, why, err := s.Composer.Compose(ctx, t.account.channel, d.Number|token.SharedSend, d.Content, nobody)
	if err != nil {
		return err
	}
	k.messages = nil
	if why.Reason != "" {
		t.decided = append(t.decided, Outcome{Delivery: d, State: Skipped, Reason: why.Reason, Data: why.Data})
		return nil
	}
	var parts struct {
		Messages json.RawMessage `json:"messages"`
		Units    json.RawMessage `json:"customAggregationUnits"`
	}
	if err := json.Unmarshal(body, &parts); err != nil {
		return fault.Wrap("delivery.chunk", err)
	}
	v := s.NewID()
	k.messages, k.units = parts.Messages, parts.Units
	k.open = Chunk{Merchant: d.Merchant, Channel: d.Channel, ID: v, Kind: d.Kind, Logical: d.Logical, State: Sending,
		Key: RetryKey(d.Merchant, d.Logical, v, 0)}
	return nil
}

// close writes the open chunk's bytes.
func (k *chunker) close() {
	if len(k.open.Deliveries) > 0 {
		var body bytes.Buffer
		body.WriteString(`{"to":[`)
		for i, d := range k.open.Deliveries {
			if i > 0 {
				body.WriteByte(',')
			}
			body.WriteString(`"` + string(k.taking.friends[d.Friend].Line) + `"`)
		}
		body.WriteString(`],"messages":`)
		body.Write(k.messages)
		if k.units != nil {
			body.WriteString(`,"customAggregationUnits":`)
			body.Write(k.units)
		}
		body.WriteByte('}')
		k.open.Body = body.Bytes()
		k.taking.chunks = append(k.taking.chunks, k.open)
	}
	k.open = Chunk{}
}

// chunksAgain takes up chunks that LINE may have.
func (t *taking) chunksAgain(retried []Chunk) error {
	for _, k := range retried {
		k.State = Unknown
		if k.Expired {
			t.sender.settler.record(note{chunk: &ChunkOutcome{Chunk: k, State: UnknownExpired,
				Reason: edgeapi.Unconfirmed.Code()}})
			continue
		}
		t.chunks = append(t.chunks, k)
	}
	return nil
}

// judgeChunk turns LINE's answer into an outcome; see judge. What LINE refused for a reason
// that is not the messages' goes back to be planned: nobody got it.
func judgeChunk(k Chunk, r Result, now time.Time) ChunkOutcome {
	one := judge(Delivery{State: k.State, Tries: k.Tries}, r, now)
	return ChunkOutcome{Chunk: k, State: one.State, Reason: one.Reason, Data: one.Data, NextAt: one.NextAt, Bad: r.Bad,
		RequestID: r.RequestID}
}
