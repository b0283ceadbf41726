// Package seed fills a local stack with the demo shop, the way a merchant would: through
// the console's own API and the vendors' own consent pages. No row is inserted behind the
// product's back, so whatever seeding proves, a merchant can do.
package seed

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/tools/dev/stack"
)

const (
	shopName   = "Hana Tea"
	ownerEmail = "owner@hanatea.example"
)

// Config says which stack to fill and where to remember that it was filled.
type Config struct {
	Stack *stack.Stack
	Dir   string
	Out   io.Writer
}

// Shop is what a visitor needs to look around in.
type Shop struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Channel  string `json:"channel"`
	Message  string `json:"message"`
	Code     QRCode `json:"code"`
	Flow     string `json:"flow"`
	Customer string `json:"customer"`
	Done     bool   `json:"done"`
}

// Run seeds once; later runs give what the first one made. A run that was interrupted is
// taken up where it stopped.
func Run(ctx context.Context, c Config) (Shop, error) {
	file := filepath.Join(c.Dir, "demo.json")
	shop, err := load(file)
	if err != nil || shop.Done {
		return shop, err
	}
	if shop.Password == "" {
		if shop, err = createOwner(ctx, c, file); err != nil {
			return Shop{}, err
		}
	}
	console, err := SignIn(ctx, c.Stack.CoreURL(), shop.Email, shop.Password)
	if err != nil {
		return Shop{}, err
	}
	if err := fill(ctx, console, NewSim(c.Stack.SimURL()), &shop); err != nil {
		return Shop{}, err
	}
	shop.Done = true
	return shop, save(file, shop)
}

func createOwner(ctx context.Context, c Config, file string) (Shop, error) {
	password, err := newPassword()
	if err != nil {
		return Shop{}, err
	}
	if err := c.Stack.AdminWith(ctx, password, "create-owner", "--shop", shopName, "--email", ownerEmail,
		"--password-stdin"); err != nil {
		return Shop{}, err
	}
	shop := Shop{Email: ownerEmail, Password: password}
	return shop, save(file, shop)
}

// fill connects both vendors and makes one message, one QR code and one flow.
func fill(ctx context.Context, console *Console, sim *Sim, shop *Shop) (err error) {
	if err := console.SetUp(ctx, shopName, "JP", "en"); err != nil {
		return err
	}
	if err := console.ConnectKlaviyo(ctx); err != nil {
		return err
	}
	channel, err := console.ConnectLINE(ctx, DemoKeys())
	if err != nil {
		return err
	}
	shop.Channel = channel.ID
	on := map[string]bool{"on": true}
	if err := sim.Post(ctx, "/line/channels/"+linetest.DemoChannel.MessagingID+"/use_webhook", on, nil); err != nil {
		return err
	}
	if err := console.WaitForSwitch(ctx, channel.ID); err != nil {
		return err
	}
	text := "Hi [[ first_name | there ]], your tea is still waiting: https://shop.hanatea.example/cart"
	if shop.Message, err = console.CreateMessage(ctx, channel.ID, "Abandoned cart", text); err != nil {
		return err
	}
	if shop.Code, err = console.CreateQRCode(ctx, channel.ID, "Welcome email"); err != nil {
		return err
	}
	settings, err := console.FlowSettings(ctx, channel.ID, shop.Message)
	if err != nil {
		return err
	}
	shop.Flow, shop.Customer = klaviyotest.DemoFlow, "yuki@customer.example"
	if err := sim.InstallFlow(ctx, shop.Flow, "Abandoned cart", klaviyotest.DemoMetric, settings); err != nil {
		return err
	}
	mail := map[string]any{"profile": klaviyotest.DemoYuki, "subject": "Hana Tea on LINE", "html": shop.Code.HTML}
	return sim.Post(ctx, "/klaviyo/emails/send", mail, nil)
}

// DemoKeys are the simulated LINE account's ids and secrets.
func DemoKeys() LINEKeys {
	d := linetest.DemoChannel
	return LINEKeys{MessagingID: d.MessagingID, MessagingSecret: d.MessagingSecret, LoginID: d.LoginID, LoginSecret: d.LoginSecret}
}

func newPassword() (string, error) {
	raw := make([]byte, 12)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func load(file string) (Shop, error) {
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return Shop{}, nil
	}
	if err != nil {
		return Shop{}, err
	}
	var shop Shop
	if err := json.Unmarshal(b, &shop); err != nil {
		return Shop{}, fmt.Errorf("%s cannot be read; make reset begins anew: %w", file, err)
	}
	return shop, nil
}

func save(file string, shop Shop) error {
	b, err := json.MarshalIndent(shop, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append([]byte(strings.TrimSpace(string(b))), '\n'), 0o600)
}
