package account

// Country is a country that shops are in, and what follows from it.
type Country struct {
	Code     string // ISO 3166-1
	Currency string // ISO 4217
	TimeZone string // IANA name
	Calling  string // with which phone numbers begin abroad
	Phone    string // how people there write one
}

// Countries are those where LINE is the habit, and those that shops sell to from there.
func Countries() []Country {
	return []Country{
		{"JP", "JPY", "Asia/Tokyo", "+81", "090-1234-5678"},
		{"TW", "TWD", "Asia/Taipei", "+886", "0912-345-678"},
		{"TH", "THB", "Asia/Bangkok", "+66", "081-234-5678"},
		{"KR", "KRW", "Asia/Seoul", "+82", "010-1234-5678"},
		{"SG", "SGD", "Asia/Singapore", "+65", "8123 4567"},
		{"HK", "HKD", "Asia/Hong_Kong", "+852", "5123 4567"},
		{"US", "USD", "America/New_York", "+1", "(201) 555-0123"},
	}
}

func countryOf(code string) (Country, bool) {
	for _, c := range Countries() {
		if c.Code == code {
			return c, true
		}
	}
	return Country{}, false
}

// currencyCode tells whether a text has the form of ISO 4217.
func currencyCode(text string) bool {
	for _, r := range text {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return len(text) == 3
}
