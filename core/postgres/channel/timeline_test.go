package channel_test

import (
	"context"
	"testing"

	"github.com/klauspost/compress/zstd"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// A message in the timeline has the body that LINE took, as long as that is kept; what was not
// sent has none.
func TestTimelineHasWhatLINETookWhileItIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	hana := w.meet(t, c, yuki, "Hana")
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for n, kind := range []string{"sent", "sent", "not_sent"} {
		d := id.New(int64(n+1), [10]byte{9})
		body := `{"to":"U1","messages":[{"type":"text","text":"` + kind + d.String() + `"}]}`
		var sealed []byte
		err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) (err error) {
			sealed, err = w.vault.Seal(ctx, w.merchant, "delivery", "body", d, encoder.EncodeAll([]byte(body), nil))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.exec(t, w.merchant, `
INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, summary_enc,
                      due_at, received_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, 'flow', gen_random_uuid(), $5, 'accepted', $6, now(), now(), now(), now())`,
			w.merchant, d, n+1, c.ID, hana, sealed)
		w.exec(t, w.merchant, `
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, data, created_at)
VALUES ($1, $2, $3, $4, $5, 'flow', now(), jsonb_build_object('delivery', $6::text), now())`,
			w.merchant, d, hana, c.ID, kind, d.With(id.Delivery))
		if kind == "sent" {
			bodies[d.String()] = body
		}
	}
	forgotten := id.New(1, [10]byte{9})
	w.exec(t, w.merchant, `UPDATE delivery SET summary_enc = NULL WHERE merchant_id = $1 AND id = $2`, w.merchant, forgotten)
	delete(bodies, forgotten.String())
	var all channel.Timeline
	if all, err = w.people.Timeline(t.Context(), w.merchant, c.ID, hana, channel.TimelineQuery{}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range all.Items {
		if e.Kind != lumo.FactSent && e.Kind != lumo.FactNotSent {
			continue
		}
		seen++
		if got, want := string(e.Sent), bodies[id.ID(e.ID).String()]; got != want {
			t.Errorf("%s: got %q, want %q", e.Kind, got, want)
		}
	}
	if seen != 3 {
		t.Errorf("%d lines of messages, want 3", seen)
	}
}
