package vault_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/vault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

func setup(t *testing.T) (*vault.Vault, lumo.MerchantID, lumo.MerchantID) {
	t.Helper()
	ctx := context.Background()
	db, err := postgres.Open(ctx, postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	v, err := vault.New(db, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return v, merchant(t, db, v, 1), merchant(t, db, v, 2)
}

func merchant(t *testing.T, db *postgres.DB, v *vault.Vault, n byte) lumo.MerchantID {
	t.Helper()
	m := lumo.MerchantID(id.New(1, [10]byte{n}))
	data, index, err := v.NewMerchant(m)
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTenant(context.Background(), m, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
			INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
			VALUES ($1, $2, 'Tea', $3, $4, now(), now())`, m, "shop-"+string('a'+rune(n)), data, index)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSealedValueOpensInItsOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	v, a, b := setup(t)
	ctx, row, want := context.Background(), id.New(2, [10]byte{}), []byte("U0123")
	sealed, err := v.Seal(ctx, a, "friend", "line_user", row, want)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, want) {
		t.Fatal("the value is readable")
	}
	if got, err := v.Open(ctx, a, "friend", "line_user", row, sealed); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v want %q", got, err, want)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another merchant": func() ([]byte, error) { return v.Open(ctx, b, "friend", "line_user", row, sealed) },
		"another column":   func() ([]byte, error) { return v.Open(ctx, a, "friend", "email", row, sealed) },
		"another row":      func() ([]byte, error) { return v.Open(ctx, a, "friend", "line_user", id.ID{}, sealed) },
	} {
		if _, err := open(); err == nil {
			t.Errorf("it opened for %s", name)
		}
	}
}

func TestBlindIndexFindsEqualValuesOfOneMerchant(t *testing.T) {
	t.Parallel()
	v, a, b := setup(t)
	index := func(m lumo.MerchantID, kind, value string) string {
		got, err := v.BlindIndex(context.Background(), m, kind, value)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	want := index(a, "email", "x@example.com")
	if got := index(a, "email", "x@example.com"); got != want {
		t.Error("equal values have different indexes")
	}
	for _, got := range []string{index(b, "email", "x@example.com"), index(a, "phone", "x@example.com"), index(a, "email", "y@example.com")} {
		if got == want {
			t.Error("different values share an index")
		}
	}
}

func TestMasterKeyMustBe32Bytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", "AAAA", "not base64 at all!"} {
		if _, err := vault.ParseMasterKey(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
