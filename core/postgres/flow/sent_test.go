package flow_test

import (
	"context"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// A call's page tells what LINE took byte for byte, odd spaces and escapes included, but not
// whose LINE id it went to.
func TestWhatLINETookIsShownByteForByteWithoutTheLINEID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	in := w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`)
	w.send(in)
	rows, _, err := w.flows.Rows(ctx, w.m, w.channel, flow.Filter{Limit: 1})
	if err != nil || len(rows) != 1 || rows[0].Shown() != "" {
		t.Fatalf("in the list: got %+v, %v", rows, err)
	}
	planned := rows[0].Delivery
	const messages = `,"messages":[{ "type":"text",  "text":"\u304a\u8336 <&> \/ 1.50" }]}`
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll([]byte(`{"to":"`+string(lineOfYuki)+`"`+messages), nil)
	var sealed []byte
	err = w.db.InTenant(ctx, w.m, func(ctx context.Context) error {
		sealed, err = w.vault.Seal(ctx, w.m, "delivery", "body", id.ID(planned), packed)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO friend (merchant_id, id, channel_id, display_name, line_user_enc, line_user_bidx, follow_status,
			follow_changed_at, created_at, updated_at)
		VALUES ($1, $2, $3, 'Yuki', '', '', 'following', now(), now(), now())`, w.m, w.yuki.ID, w.channel)
	w.exec(`INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, summary_enc,
			due_at, received_at, created_at, updated_at)
		VALUES ($1, $2, 1, $3, 'flow', $4, $5, 'accepted', $6, now(), now(), now(), now())`, w.m, planned, w.channel,
		in.ID, w.yuki.ID, sealed)
	row, err := w.flows.Row(ctx, w.m, w.channel, in.ID)
	if want := `{"to":"U…0001"` + messages; err != nil || row.Shown() != want {
		t.Errorf("got %s, %v", row.Shown(), err)
	}
	if other, err := w.flows.Row(ctx, lumo.MerchantID{9}, w.channel, in.ID); err == nil || strings.Contains(other.Shown(), "messages") {
		t.Errorf("another merchant reads it: %s, %v", other.Shown(), err)
	}
}
