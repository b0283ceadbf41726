package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Console is the merchant's side: the console's own API, as a signed-in member.
type Console struct {
	base     string
	browser  *browser
	Merchant string // outside id
	Slug     string
}

// SignIn opens a session as a member would.
func SignIn(ctx context.Context, base, email, password string) (*Console, error) {
	c := &Console{base: base, browser: newBrowser()}
	var answer struct {
		Merchants []struct{ ID, Slug string }
	}
	in := map[string]string{"email": email, "password": password}
	if err := c.post(ctx, "/sign_in", in, &answer); err != nil {
		return nil, err
	}
	if len(answer.Merchants) == 0 {
		return nil, fmt.Errorf("%s belongs to no shop", email)
	}
	c.Merchant, c.Slug = answer.Merchants[0].ID, answer.Merchants[0].Slug
	return c, nil
}

func (c *Console) post(ctx context.Context, path string, in, out any) error {
	if in == nil {
		in = struct{}{}
	}
	return c.browser.call(ctx, http.MethodPost, c.base+"/api/v1"+path, in, out)
}

// Get reads below the merchant.
func (c *Console) Get(ctx context.Context, path string, out any) error {
	return c.browser.call(ctx, http.MethodGet, c.base+"/api/v1/merchants/"+c.Merchant+path, nil, out)
}

// Post acts below the merchant.
func (c *Console) Post(ctx context.Context, path string, in, out any) error {
	return c.post(ctx, "/merchants/"+c.Merchant+path, in, out)
}

// Put changes below the merchant.
func (c *Console) Put(ctx context.Context, path string, in, out any) error {
	return c.browser.call(ctx, http.MethodPut, c.base+"/api/v1/merchants/"+c.Merchant+path, in, out)
}

// Patch changes a part below the merchant.
func (c *Console) Patch(ctx context.Context, path string, in, out any) error {
	return c.browser.call(ctx, http.MethodPatch, c.base+"/api/v1/merchants/"+c.Merchant+path, in, out)
}

// SetUp does the first run of UX 5.1.
func (c *Console) SetUp(ctx context.Context, name, country, language string) error {
	in := map[string]string{"name": name, "country": country, "language": language}
	return c.browser.call(ctx, http.MethodPatch, c.base+"/api/v1/merchants/"+c.Merchant, in, nil)
}

// ConnectKlaviyo goes to Klaviyo's consent page, approves, and comes back.
func (c *Console) ConnectKlaviyo(ctx context.Context) error {
	var begun struct {
		AuthorizeURL string `json:"authorize_url"`
	}
	if err := c.Post(ctx, "/klaviyo/connect", map[string]bool{}, &begun); err != nil {
		return err
	}
	consent, err := c.browser.get(ctx, begun.AuthorizeURL)
	if err != nil {
		return err
	}
	back, err := c.browser.submit(ctx, consent, "approve")
	if err != nil {
		return err
	}
	if result := back.url.Query().Get("result"); result != "connected" {
		return fmt.Errorf("the connection to Klaviyo ended with %q at %s", result, back.url.Path)
	}
	return nil
}

// Channel is what the console says of a LINE account.
type Channel struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	BasicID       string `json:"basic_id"`
	WebhookURL    string `json:"webhook_url"`
	WebhookActive bool   `json:"webhook_active"`
}

// LINEKeys are what a merchant copies from LINE's consoles.
type LINEKeys struct {
	MessagingID     string `json:"messaging_channel_id"`
	MessagingSecret string `json:"messaging_channel_secret"`
	LoginID         string `json:"login_channel_id"`
	LoginSecret     string `json:"login_channel_secret"`
}

// ConnectLINE enters the keys, then lets Lumo set and test the webhook.
func (c *Console) ConnectLINE(ctx context.Context, keys LINEKeys) (Channel, error) {
	var channel Channel
	if err := c.Post(ctx, "/channels", keys, &channel); err != nil {
		return Channel{}, err
	}
	return channel, c.Post(ctx, "/channels/"+channel.ID+"/webhook", map[string]bool{"replace": true}, nil)
}

const (
	switchLimit = 20 * time.Second
	askEvery    = 200 * time.Millisecond
)

// WaitForSwitch asks as the wizard's page does, until LINE says that "Use webhook" is on.
func (c *Console) WaitForSwitch(ctx context.Context, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, switchLimit)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		var preflight struct {
			Rows []struct{ Code, State string }
		}
		if err := c.Get(ctx, "/channels/"+channel+"/preflight", &preflight); err != nil {
			return err
		}
		for _, row := range preflight.Rows {
			if row.Code == "use_webhook" && row.State == "good" {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the console did not notice that Use webhook is on")
		case <-tick.C:
		}
	}
}

// FlowSettings is what a merchant copies into a flow's webhook.
type FlowSettings struct {
	URL    string `json:"url"`
	Header string `json:"header"`
	Key    string `json:"-"`
	Body   string `json:"-"`
}

// FlowSettings reads URL and header, reveals the key and takes the body from Get JSON.
// message is a saved message's id; empty = the form for text written in Klaviyo.
func (c *Console) FlowSettings(ctx context.Context, channel, message string) (FlowSettings, error) {
	var settings struct {
		FlowSettings
		Keys []struct{ ID string }
	}
	if err := c.Get(ctx, "/channels/"+channel+"/flow_settings", &settings); err != nil {
		return FlowSettings{}, err
	}
	if len(settings.Keys) == 0 {
		return FlowSettings{}, fmt.Errorf("the channel has no flow key")
	}
	var key struct{ Value string }
	if err := c.Post(ctx, "/channels/"+channel+"/flow_keys/"+settings.Keys[0].ID+"/reveal", nil, &key); err != nil {
		return FlowSettings{}, err
	}
	query := url.Values{"text": {"1"}}
	if message != "" {
		query = url.Values{"message": {message}}
	}
	var json struct{ Body string }
	if err := c.Get(ctx, "/channels/"+channel+"/get_json?"+query.Encode(), &json); err != nil {
		return FlowSettings{}, err
	}
	out := settings.FlowSettings
	out.Key, out.Body = key.Value, json.Body
	return out, nil
}

// QRCode is a custom QR code as the console gives it for an email.
type QRCode struct {
	ID       string `json:"id"`
	Code     string `json:"code"`
	HTML     string `json:"html"`
	Template string `json:"url_template"`
	Image    string `json:"image_url_template"`
}

// CreateQRCode makes a code that identifies by Klaviyo profile id.
func (c *Console) CreateQRCode(ctx context.Context, channel, name string) (QRCode, error) {
	in := map[string]string{"name": name, "identify_by": "profile"}
	var code QRCode
	err := c.Post(ctx, "/channels/"+channel+"/qr_codes", in, &code)
	return code, err
}

// CreateMessage writes a text message, publishes it and gives its id.
func (c *Console) CreateMessage(ctx context.Context, channel, name, text string) (string, error) {
	block, err := json.Marshal(map[string]string{"type": "text", "text": text})
	if err != nil {
		return "", err
	}
	in := map[string]any{"name": name, "draft": map[string]any{"blocks": []string{string(block)}}}
	var out struct{ ID string }
	if err := c.Post(ctx, "/channels/"+channel+"/messages", in, &out); err != nil {
		return "", err
	}
	var done struct{ Published bool }
	path := "/channels/" + channel + "/messages/" + out.ID + "/publish"
	if err := c.Post(ctx, path, map[string]int{"revision": 1}, &done); err != nil {
		return "", err
	}
	if !done.Published {
		return "", errors.New("the message has problems and was not published")
	}
	return out.ID, nil
}
