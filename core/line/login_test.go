package line_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lumo/core/line"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

const user = "U1111111111111111111111111111aaaa"

func now() time.Time { return time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC) }

func loginKeys() lumo.Keys { return lumo.Keys{ID: "1657000002", Secret: "a-login-secret"} }

func claims() jwt.MapClaims {
	return jwt.MapClaims{"iss": "https://access.line.me", "sub": user, "aud": "1657000002",
		"exp": now().Add(time.Hour).Unix(), "iat": now().Unix(), "nonce": "n", "name": "Yuki"}
}

func signed(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestIDTokenIsTakenAsLINEMakesIt(t *testing.T) {
	t.Parallel()
	text := signed(t, jwt.SigningMethodHS256, []byte("a-login-secret"), claims())
	got, err := line.VerifyIDToken(text, loginKeys(), "n", now)
	if err != nil || got.Subject != user || got.Name != "Yuki" {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestIDTokenOfAnyOtherKindIsRefused(t *testing.T) {
	t.Parallel()
	key := []byte("a-login-secret")
	with := func(name string, value any) string {
		c := claims()
		c[name] = value
		if value == nil {
			delete(c, name)
		}
		return signed(t, jwt.SigningMethodHS256, key, c)
	}
	good := signed(t, jwt.SigningMethodHS256, key, claims())
	for name, c := range map[string]struct{ text, nonce string }{
		"nothing":            {"", "n"},
		"noise":              {"a.b.c", "n"},
		"no algorithm":       {signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims()), "n"},
		"another algorithm":  {signed(t, jwt.SigningMethodHS512, key, claims()), "n"},
		"another secret":     {signed(t, jwt.SigningMethodHS256, []byte("x"), claims()), "n"},
		"cut signature":      {good[:len(good)-2], "n"},
		"another issuer":     {with("iss", "https://evil.example"), "n"},
		"another channel":    {with("aud", "1657000003"), "n"},
		"expired":            {with("exp", now().Add(-time.Minute).Unix()), "n"},
		"without expiry":     {with("exp", nil), "n"},
		"another sign-in":    {with("nonce", "m"), "n"},
		"without nonce":      {with("nonce", nil), "n"},
		"nonce not expected": {good, ""},
		"not a LINE user":    {with("sub", "../../bot/info"), "n"},
	} {
		if _, err := line.VerifyIDToken(c.text, loginKeys(), c.nonce, now); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
		} else if strings.Contains(err.Error(), user) {
			t.Errorf("%s: the error names the person", name)
		}
	}
	if _, err := line.VerifyIDToken(good, lumo.Keys{}, "n", now); err == nil {
		t.Error("without keys everything passes")
	}
}

func FuzzVerifyIDToken(f *testing.F) {
	f.Add(signed(f, jwt.SigningMethodHS256, []byte("a-login-secret"), claims()))
	f.Add("")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := line.VerifyIDToken(text, loginKeys(), "n", now)
		if err == nil && (got.Issuer != "https://access.line.me" || !lumo.LineUserID(got.Subject).Valid()) {
			t.Errorf("%q passed as %+v", text, got)
		}
	})
}
