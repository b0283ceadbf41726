package message

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAddressesInTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"no address":                                {},
		"https://a.example":                         {"https://a.example"},
		"see http://a.example/x, please":            {"http://a.example/x"},
		"(https://a.example/x)":                     {"https://a.example/x"},
		"https://a.example/w_(tea) is good":         {"https://a.example/w_(tea)"},
		"https://a.example/お茶":                      {"https://a.example/"},
		"こちらhttps://a.example/x?y=1&z=%E8をどうぞ":      {"https://a.example/x?y=1&z=%E8"},
		"https://a.example https://b.example/?q=1!": {"https://a.example", "https://b.example/?q=1"},
		"xhttps://a.example":                        {},
		"https://":                                  {},
		"httpshttp://a.example":                     {},
		"「https://a.example/」":                      {"https://a.example/"},
	} {
		var got []string
		for _, at := range addresses(text) {
			got = append(got, text[at.from:at.to])
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q: got %q want %q", text, got, want)
		}
	}
}

func TestUTMIsAddedOnce(t *testing.T) {
	t.Parallel()
	const utm = "utm_source=line&utm_medium=flow"
	for address, want := range map[string]string{
		"https://a.example":                        "https://a.example?" + utm,
		"https://a.example/?":                      "https://a.example/?" + utm,
		"https://a.example/?b=1":                   "https://a.example/?b=1&" + utm,
		"https://a.example/#x":                     "https://a.example/?" + utm + "#x",
		"https://a.example/?utm_source=klaviyo":    "https://a.example/?utm_source=klaviyo",
		"https://a.example/?a=1&utm_source=mail#x": "https://a.example/?a=1&utm_source=mail#x",
	} {
		if got := withUTM(address, utm); got != want {
			t.Errorf("%s: got %s want %s", address, got, want)
		}
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add("see https://a.example/x).")
	f.Add("http://http://")
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, at := range addresses(text) {
			if at.from < end || at.to <= at.from || at.to > len(text) {
				t.Fatalf("%q: span %v after %d", text, at, end)
			}
			if part := text[at.from:at.to]; !strings.HasPrefix(part, "http") || !utf8.ValidString(part) {
				t.Fatalf("%q: not an address: %q", text, part)
			}
			end = at.to
		}
	})
}
