package webhooksig_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/shared/fault"
	"lumo/shared/webhooksig"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	secret = "0123456789abcdef0123456789abcdef"
	body   = `{"destination":"U0","events":[]}`
	stamp  = "2026-11-24T07:00:00Z"
)

// sample is a golden file: what a vendor would send.
type sample struct {
	Secret    string `json:"secret"`
	Body      string `json:"body"`
	Timestamp string `json:"timestamp,omitempty"`
	Signature string `json:"signature"`
}

func golden(t *testing.T, name string, made sample) sample {
	t.Helper()
	file := filepath.Join("testdata", name+".json")
	if *update {
		b, err := json.MarshalIndent(made, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, made); diff != "" {
		t.Errorf("%s (-file +made):\n%s", name, diff)
	}
	return s
}

func mac(parts ...string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		m.Write([]byte(part))
	}
	return m.Sum(nil)
}

func TestVendorsSignaturesFit(t *testing.T) {
	t.Parallel()
	line := golden(
		t,
		"line",
		sample{secret, body, "", base64.StdEncoding.EncodeToString(mac(body))},
	)
	if !webhooksig.VerifyLINE(line.Secret, []byte(line.Body), line.Signature) {
		t.Error("LINE's does not")
	}
	shop := golden(
		t,
		"shopify",
		sample{secret, body, "", base64.StdEncoding.EncodeToString(mac(body))},
	)
	if !webhooksig.VerifyShopify(shop.Secret, []byte(shop.Body), shop.Signature) {
		t.Error("Shopify's does not")
	}
	klaviyo := golden(
		t,
		"klaviyo",
		sample{secret, body, stamp, hex.EncodeToString(mac(body, stamp))},
	)
	if !webhooksig.VerifyKlaviyo(
		klaviyo.Secret,
		[]byte(klaviyo.Body),
		klaviyo.Timestamp,
		klaviyo.Signature,
	) {
		t.Error("Klaviyo's does not")
	}
}

func TestEverythingElseIsRefused(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString(mac(body))
	for name, header := range map[string]string{
		"none": "", "upper case": strings.ToUpper(good), "a space before": " " + good, "no padding": good[:43],
		"url alphabet": strings.NewReplacer("+", "-", "/", "_").Replace(good) + "_", "hex": hex.EncodeToString(mac(body)),
		"another body's": base64.StdEncoding.EncodeToString(mac(body + " ")), "a line break": good[:20] + "\n" + good[21:],
	} {
		if webhooksig.VerifyLINE(secret, []byte(body), header) {
			t.Errorf("LINE, %s: accepted", name)
		}
	}
	if webhooksig.VerifyLINE("other", []byte(body), good) ||
		webhooksig.VerifyLINE("", []byte(body), good) {
		t.Error("another secret fits")
	}
	signed := hex.EncodeToString(mac(body, stamp))
	for name, c := range map[string][2]string{
		"upper case": {stamp, strings.ToUpper(signed)}, "another time": {stamp + "0", signed}, "no time": {"", signed},
		"short": {stamp, signed[:62]}, "not hex": {stamp, "g" + signed[1:]},
	} {
		if webhooksig.VerifyKlaviyo(secret, []byte(body), c[0], c[1]) {
			t.Errorf("Klaviyo, %s: accepted", name)
		}
	}
}

func TestFlowKeysComeBack(t *testing.T) {
	t.Parallel()
	for _, number := range []uint32{1, 9, 10, 65535} {
		whole := webhooksig.FormatFlowKey(number, [32]byte{0xff, 0xfb, 31: 0xbf})
		got, err := webhooksig.ParseFlowKey(whole)
		if err != nil || got != number {
			t.Errorf("%d: got %d, %v", number, got, err)
		}
	}
	whole := webhooksig.FormatFlowKey(1, [32]byte{})
	if webhooksig.HashFlowKey(whole) != sha256.Sum256([]byte(whole)) {
		t.Error("the hash does not cover the whole key")
	}
}

func TestForeignFlowKeysAreRefused(t *testing.T) {
	t.Parallel()
	good := webhooksig.FormatFlowKey(7, [32]byte{1})
	for name, key := range map[string]string{
		"none": "", "no prefix": good[4:], "other prefix": "lak_" + good[4:], "short": good[:len(good)-1], "long": good + "A",
		"number 0": "lfk_0" + good[5:], "leading zero": "lfk_07" + good[5:], "a sign": "lfk_+7" + good[5:],
		"number too large": "lfk_65536" + good[5:], "six digits": "lfk_100000" + good[5:], "no number": "lfk_" + good[5:],
		"letters": "lfk_7a" + good[5:], "unused bits": good[:len(good)-1] + "B", "a space behind": good + " ",
		"no second underscore": "lfk_7-" + good[6:],
	} {
		if _, err := webhooksig.ParseFlowKey(key); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
		} else if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%s: the error repeats the key", name)
		}
	}
}

func FuzzParseFlowKey(f *testing.F) {
	f.Add(webhooksig.FormatFlowKey(7, [32]byte{1}))
	f.Add("lfk_65535_" + strings.Repeat("_", 43))
	f.Fuzz(func(t *testing.T, text string) {
		number, err := webhooksig.ParseFlowKey(text)
		if err != nil {
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(text[len(text)-43:])
		if err != nil || webhooksig.FormatFlowKey(number, [32]byte(raw)) != text {
			t.Fatalf("%q is not the one text of its key", text)
		}
	})
}

func FuzzSignatures(f *testing.F) {
	f.Add([]byte(body), stamp, hex.EncodeToString(mac(body, stamp)))
	f.Add([]byte(body), "", base64.StdEncoding.EncodeToString(mac(body)))
	f.Fuzz(func(t *testing.T, body []byte, stamp, header string) {
		line := base64.StdEncoding.EncodeToString(mac(string(body)))
		if got, want := webhooksig.VerifyLINE(secret, body, header), header == line; got != want {
			t.Fatalf("LINE: %q got %v want %v", header, got, want)
		}
		if got, want := webhooksig.VerifyShopify(secret, body, header), header == line; got != want {
			t.Fatalf("Shopify: %q got %v want %v", header, got, want)
		}
		klaviyo := hex.EncodeToString(mac(string(body), stamp))
		if got, want := webhooksig.VerifyKlaviyo(secret, body, stamp, header), header == klaviyo; got != want {
			t.Fatalf("Klaviyo: %q got %v want %v", header, got, want)
		}
	})
}
