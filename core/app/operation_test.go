package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"

	"lumo/core/app"
	"lumo/core/line/linetest"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

// exec changes the database as its owner.
func (c *core) exec(sql string) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.database)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(c.t.Context(), sql); err != nil {
		c.t.Fatal(err)
	}
}

// startWithLINE has a LINE account connected, and answers what its hooks are called.
func startWithLINE(t *testing.T, more ...string) (c *core, channel string, hooks []string) {
	t.Helper()
	fake := linetest.New(linetest.Config{Now: time.Now})
	address, stop, err := fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	c = start(t, append(more, "LUMO_LINE_API_URL="+address+"/line-api", "LUMO_LINE_DATA_URL="+address+"/line-data",
		"LUMO_LINE_ACCESS_URL="+address+"/line-access")...)
	d := linetest.DemoChannel
	_, body := c.must(http.MethodPost, c.merchant+"/channels", `{"messaging_channel_id":"`+d.MessagingID+
		`","messaging_channel_secret":"`+d.MessagingSecret+`","login_channel_id":"`+d.LoginID+
		`","login_channel_secret":"`+d.LoginSecret+`"}`)
	var made struct {
		ID         string `json:"id"`
		WebhookURL string `json:"webhook_url"`
	}
	if err := json.Unmarshal(body, &made); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	settings := get[struct{ URL string }](c, "/channels/"+made.ID+"/flow_settings")
	for _, address := range []string{made.WebhookURL, settings.URL} {
		_, path, _ := strings.Cut(address, "/hooks/")
		hooks = append(hooks, "/hooks/"+path)
	}
	return c, made.ID, hooks
}

// enrol makes an edge of the test.
func (c *core) enrol() (key string) {
	c.t.Helper()
	var out bytes.Buffer
	err := app.Run(c.t.Context(), []string{"admin", "create-edge-code", "--name", "Tokyo"}, c.settings, nil, &out, io.Discard)
	if err != nil {
		c.t.Fatal(err)
	}
	_, body := c.must(http.MethodPost, "/edge/v1/enrol", `{"code":"`+strings.TrimSpace(out.String())+`","name":"x"}`)
	var made struct{ Key string }
	if err := json.Unmarshal(body, &made); err != nil {
		c.t.Fatal(err)
	}
	return made.Key
}

func (c *core) send(method, path string, header map[string]string, body string) (status int, text string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(read)
}

func (c *core) scrape(addr string) string {
	c.t.Helper()
	res, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("%d %s %v", res.StatusCode, text, err)
	}
	return string(text)
}

func TestReadyMeansThatTheSchemaIsThere(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.exec(`DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	status, text := c.send(http.MethodGet, "/readyz", nil, "")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "lumo-core migrate") {
		t.Errorf("got %d %q", status, text)
	}
}

func TestOversizedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	key := c.enrol()
	header := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + key,
		edgeapi.HeaderEventID: id.ID{1}.String(), edgeapi.HeaderReceivedAt: "1", edgeapi.HeaderAuth: "verified",
		edgeapi.HeaderMethod: "POST", edgeapi.HeaderTarget: "/hooks/line/x"}
	for path, size := range map[string]int{"/api/v1/sign_in": 2 << 20, "/edge/v1/requests": 7 << 20, "/edge/v1/events": 33 << 20} {
		if status, text := c.send(http.MethodPost, path, header, strings.Repeat("x", size)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d %s", path, status, text)
		}
	}
}

// Canaries are what must be in no log and no metric.
const (
	canaryKey   = "lfk_1_Q0FOQVJZa2V5Q0FOQVJZa2V5Q0FOQVJZa2V5Q0FO"
	canaryAPI   = "lak_Q0FOQVJZYXBpQ0FOQVJZYXBpQ0FOQVJZYXBpQ0FOQVJZ"
	canaryEmail = "canary.person@customer.example"
	canaryPhone = "+818012345678"
	canaryLINE  = "Uca4a57ca4a57ca4a57ca4a57ca4a57ca"
	canaryText  = "canarytext"
)

// inputs sends canaries through everything that the core takes.
func (c *core) inputs(edge, channel string, hooks []string) {
	all := strings.Join([]string{canaryKey, canaryAPI, canaryEmail, canaryPhone, canaryLINE, canaryText}, " ")
	quoted, _ := json.Marshal(all)
	escaped := strings.NewReplacer(" ", "%20", "+", "%2B", "@", "%40").Replace(all)
	form := map[string]string{"Content-Type": "application/json", "Cookie": c.cookie, "User-Agent": all, "X-Request-Id": all,
		"Referer": "https://x.example/?" + escaped, "Idempotency-Key": canaryText}
	bodies := []string{all, `{"` + canaryText, string(quoted), `{"email":` + string(quoted) + `,"password":` + string(quoted) + `}`,
		`{"name":` + string(quoted) + `,"text":` + string(quoted) + `,"lines":[` + string(quoted) + `]}`}
	paths := []string{"/api/v1/sign_in", c.merchant, c.merchant + "/channels", c.merchant + "/channels/" + channel + "/messages",
		c.merchant + "/channels/" + channel + "/qr_codes", c.merchant + "/channels/" + channel + "/friends?q=" + escaped,
		"/api/v1/merchants/" + escaped, "/oauth/klaviyo/callback?code=" + escaped + "&state=" + escaped, "/" + escaped + "?" + escaped,
		"/edge/v1/enrol", "/edge/v1/media/" + canaryText, "/edge/v1/modules/" + canaryText}
	for _, path := range paths {
		for _, body := range bodies {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
				c.send(method, path, form, body)
			}
		}
		c.send(http.MethodGet, path, map[string]string{"Authorization": "Bearer " + canaryAPI}, "")
		c.send(http.MethodGet, path, map[string]string{"Cookie": "__Host-lumo_session=" + canaryText}, "")
	}
	sum := sha256.Sum256([]byte(canaryKey))
	flow := `{"lumo":1,"text":"` + canaryText + `","step":"s","profile_id":"` + canaryText + `","line_user_id":"` + canaryLINE +
		`","event_id":"` + canaryEmail + `","vars":{"a":"` + canaryEmail + `"}}`
	events := `{"destination":"` + canaryLINE + `","events":[{"type":"follow","mode":"active","timestamp":1795489200123,` +
		`"webhookEventId":"` + canaryText + `","replyToken":"` + canaryText + `","source":{"type":"user","userId":"` + canaryLINE + `"}}]}`
	var batch []byte
	for n, target := range append(hooks, "/c/"+canaryText, "/link/callback?code="+escaped+"&state="+escaped, "/link/confirm?"+escaped,
		"/i/"+canaryText+"/240", "/"+escaped, "/hooks/line/"+canaryText, "/hooks/klaviyo/system/"+canaryText) {
		for m, body := range []string{flow, events, all, ""} {
			for k, auth := range []string{"verified", "provisional", "unchecked", "refused", canaryText} {
				event := id.New(time.Now().UnixMilli(), [10]byte{1, byte(n), byte(m), byte(k), byte(len(batch))})
				c.send(http.MethodPost, "/edge/v1/requests", map[string]string{"Authorization": "Bearer " + edge,
					"Content-Type": "application/json", "User-Agent": all, "X-Line-Signature": canaryText, "X-Klaviyo-Flow-Id": canaryText,
					edgeapi.HeaderFlowKey: canaryKey, edgeapi.HeaderLinkCookie: canaryText, edgeapi.HeaderEventID: event.String(),
					edgeapi.HeaderReceivedAt: strconv.FormatInt(time.Now().UnixMilli(), 10), edgeapi.HeaderAuth: auth,
					edgeapi.HeaderMethod: "POST", edgeapi.HeaderTarget: target, edgeapi.HeaderKeySHA256: hex.EncodeToString(sum[:])}, body)
				spooled, err := edgeapi.SpooledRequest{Method: "POST", Target: target, ReceivedAt: time.Now().UnixMilli(), Auth: auth,
					Headers: map[string]string{"X-Line-Signature": canaryText}, KeySHA256: canaryText, Body: []byte(body)}.Append(nil)
				if err == nil {
					event[15]++
					batch = edgeapi.Record{Kind: edgeapi.RecordRequest, ID: event, Body: spooled}.Append(batch)
				}
			}
		}
	}
	for _, body := range []string{string(batch), all, "", string(batch[:len(batch)/2]) + all} {
		c.send(http.MethodPost, "/edge/v1/events", map[string]string{"Authorization": "Bearer " + edge}, body)
	}
	c.send(http.MethodPost, "/edge/v1/events", map[string]string{"Authorization": "Bearer " + canaryKey}, all)
	for _, path := range []string{"/edge/v1/stream?after=" + escaped, c.merchant + "/live?after=" + canaryText} {
		conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(c.url, "http")+path,
			http.Header{"Authorization": {"Bearer " + edge}, "Origin": {c.url}, "Cookie": {c.cookie}})
		if res != nil && res.Body != nil {
			_ = res.Body.Close()
		}
		if err == nil {
			_ = conn.WriteMessage(websocket.BinaryMessage, []byte(all))
			_, _, _ = conn.ReadMessage()
			_ = conn.Close()
		}
	}
}

func TestNothingThatComesInIsLoggedOrMeasured(t *testing.T) {
	t.Parallel()
	metrics := freePort(t)
	c, channel, hooks := startWithLINE(t, "LUMO_CORE_METRICS_ADDR="+metrics)
	edge := c.enrol()
	c.inputs(edge, channel, hooks)
	// Our own failures say no more: every table that takes what people send is gone.
	for _, table := range []string{"flow_request", "hook_request", "login_state", "edge_kept", "friend", "session"} {
		c.exec("ALTER TABLE " + table + " RENAME TO " + table + "_gone")
	}
	c.inputs(edge, channel, hooks)
	log, measured := c.log.String(), c.scrape(metrics)
	if !strings.Contains(log, "ERROR") || !strings.Contains(measured, `lumo_core_edge_requests_total{kind="line"`) {
		t.Fatal("the inputs left no trace at all")
	}
	secrets := append([]string{canaryKey, canaryAPI, canaryEmail, canaryPhone, canaryLINE, canaryText, password, c.cookie, edge,
		linetest.DemoChannel.MessagingSecret, linetest.DemoChannel.LoginSecret, masterKey(5)}, strings.TrimPrefix(canaryKey, "lfk_1_"))
	for _, secret := range secrets {
		for name, text := range map[string]string{"log": log, "metrics": measured} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("the %s holds %s: %s", name, secret, text[max(0, at-300):min(len(text), at+100)])
			}
		}
	}
	for _, name := range []string{c.merchant[len("/api/v1/merchants/"):], channel, "Hana Tea", "Tokyo"} {
		if strings.Contains(measured, name) {
			t.Errorf("metrics name %s", name)
		}
	}
}

func TestMetricsSayWhatAnOperatorNeeds(t *testing.T) {
	t.Parallel()
	metrics := freePort(t)
	c, _, hooks := startWithLINE(t, "LUMO_CORE_METRICS_ADDR="+metrics)
	edge := c.enrol()
	status, text := c.send(http.MethodPost, "/edge/v1/requests", map[string]string{"Authorization": "Bearer " + edge,
		edgeapi.HeaderEventID: id.New(time.Now().UnixMilli(), [10]byte{1}).String(), edgeapi.HeaderAuth: "verified",
		edgeapi.HeaderReceivedAt: strconv.FormatInt(time.Now().UnixMilli(), 10), edgeapi.HeaderMethod: "POST",
		edgeapi.HeaderTarget: hooks[0]}, `{"destination":"`+linetest.DemoChannel.BotUserID+`","events":[{"type":"follow","mode":"active","timestamp":1795489200123,"webhookEventId":"01K0FOLLOW",`+
		`"replyToken":"r","deliveryContext":{"isRedelivery":false},"source":{"type":"user","userId":"U00000000000000000000000000000001"}}]}`)
	if status != http.StatusOK {
		t.Errorf("the webhook got %d %s at %s", status, text, hooks[0])
	}
	c.exec(`INSERT INTO edge_kept (id, edge_id, kind, body_enc, problem, created_at)
		SELECT gen_random_uuid(), e.id, 1, '', problem, now() FROM edge e, unnest('{rejected,rejected,conflict,internal}'::text[]) AS problem`)
	got := c.scrape(metrics)
	for _, want := range []string{
		`lumo_core_edge_set_aside{reason="rejected"} 2`,
		`lumo_core_edge_set_aside{reason="failed"} 2`, // what a handler failed with is no label
		`lumo_core_edge_set_aside{reason="damaged"} 0`,
		`lumo_core_request_seconds_count{class="api",outcome="2xx"}`,
		`lumo_core_request_seconds_count{class="edge_request",outcome="2xx"} 1`,
		`lumo_core_edge_requests_total{kind="line",outcome="2xx"} 1`,
		`lumo_core_vendor_call_seconds_count{status="200",vendor="line"}`,
		`lumo_core_outbox_items{state="waiting"} 0`,
		`lumo_core_outbox_oldest_seconds 0`,
		`lumo_core_deliveries_overdue_seconds 0`,
		`lumo_core_hooks{state="waiting"} 0`,
		`lumo_core_work_turns{kind="`,
		`lumo_core_work_overdue_seconds{kind="`,
		`lumo_core_database_up 1`,
		`lumo_core_database_connections_most 40`,
		`lumo_core_database_waits_total`,
		`lumo_core_live_pages 0`,
		`lumo_core_open_requests{class="api"} 0`,
		`lumo_core_edges{state="silent"} 1`,
		`lumo_core_edge_spool_oldest_seconds 0`,
		`go_goroutines`,
		`process_resident_memory_bytes`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if status, _ := c.send(http.MethodGet, "/metrics", nil, ""); status == http.StatusOK {
		_, text := c.send(http.MethodGet, "/metrics", nil, "")
		if strings.Contains(text, "lumo_core_") {
			t.Error("the public listener shows metrics")
		}
	}
}
