package delivery_test

import (
	"context"
	"testing"

	"lumo/core/delivery"
	"lumo/core/postgres"
	"lumo/shared/token"
)

// Statistics tell a machine by its following all links at once, so it must be known how many
// there were, also after an unknown outcome.
func TestDeliveryRemembersHowManyLinksItWentOutWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(n int) delivery.Result {
		return delivery.Result{Verdict: []delivery.Verdict{delivery.Unanswered, delivery.TakenByLINE}[n-1]}
	}
	s := w.service("a")
	p := w.planOf(7)
	for _, link := range []uint32{1, 2, 2} {
		p.Content.Text += " https://l.example/c/" + token.Sign(token.Token{Kind: token.Link, Subject: 1, Link: link}, make([]byte, 32))
	}
	d, err := s.Plan(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	w.run(s, 2)
	var links int
	err = w.db.InTenant(t.Context(), w.m, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, "SELECT links FROM delivery WHERE merchant_id = $1 AND id = $2", w.m, d.ID).Scan(&links)
	})
	if state, _ := w.state(d); err != nil || links != 2 || state != "accepted" {
		t.Errorf("got %d links of a delivery that is %s, %v", links, state, err)
	}
}
