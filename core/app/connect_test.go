package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/app"
	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/postgres/postgrestest"
	"lumo/core/vendortest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const password = "canary-password-2026"

// core is a whole core with a fake Klaviyo and a member who is signed in.
type core struct {
	t        *testing.T
	url      string
	klaviyo  *klaviyotest.Server
	cookie   string
	merchant string
	database string
	settings []string
	log      *logged
}

type logged struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// masterKey is the test's, in base64.
func masterKey(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

// start runs a core with further settings.
func start(t *testing.T, more ...string) *core {
	t.Helper()
	c := &core{t: t, klaviyo: klaviyotest.New(klaviyotest.Config{Now: time.Now}), log: &logged{}}
	vendor, stopVendor, err := c.klaviyo.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stopVendor)
	addr := freePort(t)
	c.url = "http://" + addr
	c.database = postgrestest.URL(t)
	c.settings = append([]string{"LUMO_DATABASE_URL=" + c.database, "LUMO_MASTER_KEY=" + masterKey(5),
		"LUMO_CORE_ADDR=" + addr, "LUMO_ALLOW_PRIVATE_TARGETS=true", "LUMO_LOG_LEVEL=debug",
		"LUMO_KLAVIYO_API_URL=" + vendor + "/klaviyo-api", "LUMO_KLAVIYO_WEB_URL=" + vendor + "/klaviyo-web",
		"LUMO_KLAVIYO_CLIENT_ID=" + klaviyotest.DemoAccount.ClientID,
		"LUMO_KLAVIYO_CLIENT_SECRET=" + klaviyotest.DemoAccount.ClientSecret}, more...)
	s, err := app.Read(c.settings)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), s, c.log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Accounts().CreateOwner(t.Context(), "Hana Tea", "owner@hanatea.example", password); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	c.signIn()
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	addr, err := vendortest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// signIn waits until the core answers.
func (c *core) signIn() {
	c.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		res, err := c.call(http.MethodGet, "/readyz", "")
		if err == nil && res.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the core does not answer: %v", err)
		}
		<-time.After(20 * time.Millisecond)
	}
	res, body := c.must(http.MethodPost, "/api/v1/sign_in",
		`{"email":"owner@hanatea.example","password":"`+password+`"}`)
	for _, cookie := range res.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
	}
	var me struct {
		Merchants []struct {
			ID string `json:"id"`
		} `json:"merchants"`
	}
	if err := json.Unmarshal(body, &me); err != nil || len(me.Merchants) != 1 {
		c.t.Fatalf("got %s %v", body, err)
	}
	c.merchant = "/api/v1/merchants/" + me.Merchants[0].ID
}

func (c *core) call(method, path, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return client.Do(req)
}

// must calls and reads the answer, which is not to be an error.
func (c *core) must(method, path, body string) (*http.Response, []byte) {
	c.t.Helper()
	res, err := c.call(method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 400 {
		c.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, read, err)
	}
	return res, read
}

// get reads JSON of the merchant.
func get[T any](c *core, path string) (v T) {
	c.t.Helper()
	_, body := c.must(http.MethodGet, c.merchant+path, "")
	if err := json.Unmarshal(body, &v); err != nil {
		c.t.Fatalf("%s: %v", body, err)
	}
	return v
}

// approve goes to Klaviyo's consent page and back, as a browser would.
func (c *core) approve(yes bool) (location string) {
	c.t.Helper()
	_, body := c.must(http.MethodPost, c.merchant+"/klaviyo/connect", "{}")
	var begun struct {
		AuthorizeURL string `json:"authorize_url"`
	}
	if err := json.Unmarshal(body, &begun); err != nil {
		c.t.Fatal(err)
	}
	back, err := c.klaviyo.Decide(begun.AuthorizeURL, "", yes)
	if err != nil {
		c.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil || "http://"+u.Host != c.url {
		c.t.Fatalf("Klaviyo leads to %s", back)
	}
	res, _ := c.must(http.MethodGet, u.RequestURI(), "")
	return res.Header.Get("Location")
}

type klaviyoView struct {
	State     string   `json:"state"`
	Name      string   `json:"name"`
	PublicKey string   `json:"public_key"`
	Scopes    []string `json:"scopes"`
}

func TestMemberConnectsKlaviyoThroughTheConsole(t *testing.T) {
	t.Parallel()
	c := start(t)
	if v := get[klaviyoView](c, "/klaviyo"); v.State != "off" {
		t.Errorf("before: got %+v", v)
	}
	if got := c.approve(false); got != "/hana-tea/settings/klaviyo?result=refused" {
		t.Errorf("refused: got %s", got)
	}
	if got := c.approve(true); got != "/hana-tea/settings/klaviyo?result=connected" {
		t.Fatalf("approved: got %s", got)
	}
	v := get[klaviyoView](c, "/klaviyo")
	if v.State != "working" || v.Name != "Hana Tea" || v.PublicKey != "HnTeaX" || len(v.Scopes) < 10 {
		t.Errorf("after: got %+v", v)
	}
	cards := get[struct {
		Klaviyo struct{ State, Name string } `json:"klaviyo"`
		Edges   struct{ State string }       `json:"edges"`
	}](c, "/connections")
	if cards.Klaviyo.State != "working" || cards.Edges.State != "off" {
		t.Errorf("got %+v", cards)
	}
	_, body := c.must(http.MethodPost, c.merchant+"/klaviyo/test", "")
	var example struct {
		Profile struct {
			ID         string
			Properties map[string]any
		}
		Event struct{ Metric string }
	}
	if err := json.Unmarshal(body, &example); err != nil || example.Profile.Properties["LINE User ID"] == nil {
		t.Errorf("got %s %v", body, err)
	}
	found := false
	for _, e := range c.klaviyo.Events("HnTeaX", example.Profile.ID) {
		found = found || e.Metric == example.Event.Metric && e.Backfill
	}
	if !found {
		t.Error("Klaviyo does not have the example event")
	}
	for _, secret := range []string{password, klaviyotest.DemoAccount.ClientSecret, c.cookie} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("a secret stands in the log")
		}
	}
}
