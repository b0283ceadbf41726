package prooftest_test

import (
	"testing"

	"lumo/core/postgres/postgrestest"
	"lumo/core/prooftest"
)

func TestALinkThatChangesWithoutAStepIsCaught(t *testing.T) {
	t.Parallel()
	w, err := prooftest.New(t.Context(), prooftest.Config{URL: postgrestest.URL(t), Shops: 1, Friends: 10, LinkEvery: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	found, err := w.Linked(t.Context())
	if err != nil || len(found) > 0 {
		t.Fatalf("found %v, %v before anything changed", found, err)
	}
	for name, sql := range map[string]string{
		"another profile": `UPDATE identity_link SET profile_id = 'other' || id, version = version + 1 WHERE merchant_id = $1`,
		"unlinked":        `UPDATE identity_link SET state = 'unlinked', unlinked_at = now() WHERE merchant_id = $1`,
		"a link of nobody's making": `
			INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
				state, linked_at, created_at, updated_at)
			SELECT merchant_id, gen_random_uuid(), channel_id, friend_id, klaviyo_account_id, 'new', method, assurance,
				'unlinked', now(), now(), now()
			FROM identity_link
			WHERE merchant_id = $1`,
	} {
		before, _ := w.Linked(t.Context())
		if err := w.Exec(t.Context(), w.Shops[0], sql); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after, err := w.Linked(t.Context())
		if err != nil || len(after) <= len(before) {
			t.Errorf("%s is not found: %v, %v", name, after, err)
		}
		undo(t, w)
	}
}

// undo makes the links again as the world made them.
func undo(t *testing.T, w *prooftest.World) {
	t.Helper()
	s := w.Shops[0]
	for _, f := range s.Friends {
		if f.Profile == "" {
			continue
		}
		if err := w.Exec(t.Context(), s, `
			UPDATE identity_link
			SET profile_id = $3, version = 1, state = 'linked', unlinked_at = NULL
			WHERE merchant_id = $1 AND friend_id = $2 AND profile_id <> 'new'`, f.ID, string(f.Profile)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Exec(t.Context(), s, `DELETE FROM identity_link WHERE merchant_id = $1 AND profile_id = 'new'`); err != nil {
		t.Fatal(err)
	}
}
