package linetest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// DemoChannel is the account of the demo shop; its ids and secrets are made up.
var DemoChannel = Channel{
	Provider:        "prv_hanatea",
	Name:            "Hana Tea",
	BasicID:         "@hanatea",
	BotUserID:       "U3e5a90b2d1f64c7f8a0b6c2d9e4f1a77",
	MessagingID:     "2006817254",
	MessagingSecret: "5c1f0e7ab94d4b6f83a2d7c60e91b35f",
	LoginID:         "2006817301",
	LoginSecret:     "e90b46d2c87f4a15b3d08f6a7c2e519d",
	ChatMode:        "bot",
	Quota:           Limit(5000),
}

// Limit is a monthly number of messages.
func Limit(n int64) *int64 { return &n }

// DemoPeople are the people whose phones the demo holds.
func DemoPeople() []Person {
	return []Person{
		{ID: "yuki", Name: "Yuki S.", Language: "ja", Email: "yuki@customer.example"},
		{ID: "mio", Name: "Mio T.", Language: "ja", Email: "mio@customer.example"},
		{ID: "ken", Name: "Ken I.", Language: "en", Email: "ken@customer.example"},
	}
}

// complete fills in what was left open, the same way each time.
func (c Channel) complete(n int) Channel {
	sum := sha256.Sum256(fmt.Appendf(nil, "channel\x00%s\x00%s\x00%d", c.Name, c.MessagingID, n))
	text := hex.EncodeToString(sum[:])
	other := sha256.Sum256([]byte(text))
	more := hex.EncodeToString(other[:])
	or := func(v *string, fallback string) {
		if *v == "" {
			*v = fallback
		}
	}
	or(&c.Name, "LINE account")
	or(&c.Provider, "prv_"+text[:8])
	or(&c.BasicID, "@"+text[8:11]+more[40:45])
	or(&c.BotUserID, "U"+text[:32])
	or(&c.ChatMode, "bot")
	or(&c.MessagingID, fmt.Sprintf("20068%05d", 20000+2*n))
	or(&c.LoginID, fmt.Sprintf("20068%05d", 20001+2*n))
	or(&c.MessagingSecret, text[32:])
	or(&c.LoginSecret, more[:32])
	return c
}
