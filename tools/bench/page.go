package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	pageOnly     = "page" // as an argument: no more than until a change is seen in the console
	pageRounds   = 20
	pagePatience = 30 * time.Second
)

// stateToPage measures from a change leaving for the core, sending stopped or resumed over the
// API, until a real browser shows it on Home: the text is looked for at each change of the page.
func stateToPage(ctx context.Context, s *stack.Stack, dir string, console *seed.Console, shop seed.Shop, out io.Writer) error {
	b, err := startBrowser(ctx, filepath.Join(dir, "chromium"))
	if err != nil {
		return err
	}
	defer b.stop()
	if err := b.signIn(s.CoreURL(), shop); err != nil {
		return err
	}
	var times []time.Duration
	for n := range pageRounds {
		path, in, want := "/stop", any(map[string]string{"scope": "everything"}), "true"
		if n%2 == 1 {
			path, in, want = "/resume", map[string][]string{"drop": {}}, "false"
		}
		if _, err := b.eval(fmt.Sprintf(watchStop, want), false); err != nil {
			return err
		}
		begun := time.Now()
		if err := console.Post(ctx, "/channels/"+shop.Channel+"/sending"+path, in, nil); err != nil {
			return err
		}
		seen, err := b.eval("window.lumoSeen", true)
		if err != nil {
			return err
		}
		var at float64
		if err := json.Unmarshal(seen, &at); err != nil {
			return fmt.Errorf("the page did not show the change: %w", err)
		}
		times = append(times, time.UnixMicro(int64(at*1000)).Sub(begun))
	}
	slices.Sort(times)
	bench(out, "state_to_page_ms", milliseconds(quantile(times, 0.50)), "ms")
	bench(out, "state_to_page_p99_ms", milliseconds(quantile(times, 0.99)), "ms")
	return nil
}

// watchStop notes when the page says, or no longer says, that sending is stopped.
const watchStop = `void (window.lumoSeen = new Promise((seen) => {
	const look = () => document.body.innerText.includes("Sending is stopped since") === %s &&
		(seen(performance.timeOrigin + performance.now()), true);
	if (look()) return;
	const watch = new MutationObserver(() => look() && watch.disconnect());
	watch.observe(document.body, { subtree: true, childList: true, characterData: true });
}))`

// chromium is a browser with one tab, spoken to by its own protocol.
type chromium struct {
	process *exec.Cmd
	conn    *websocket.Conn
	calls   int
}

func startBrowser(ctx context.Context, profile string) (*chromium, error) {
	program := os.Getenv("LUMO_CHROMIUM")
	if program == "" {
		program = "chromium"
	}
	c := &chromium{process: exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")}
	if err := c.process.Start(); err != nil {
		return nil, fmt.Errorf("a browser is needed, LUMO_CHROMIUM names it: %w", err)
	}
	address, err := tab(ctx, profile)
	if err == nil {
		c.conn, _, err = websocket.DefaultDialer.DialContext(ctx, address, nil)
	}
	if err != nil {
		c.stop()
	}
	return c, err
}

func (c *chromium) stop() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	_ = c.process.Process.Kill()
	_ = c.process.Wait() // it was killed
}

// tab is where the browser's tab listens, once it does.
func tab(ctx context.Context, profile string) (address string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if address, err = listening(ctx, profile); err == nil {
			return address, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the browser does not listen: %w", err)
		case <-tick.C:
		}
	}
}

func listening(ctx context.Context, profile string) (string, error) {
	text, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
	if err != nil {
		return "", err
	}
	port, _, _ := strings.Cut(string(text), "\n")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/json/list", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var tabs []struct{ Type, WebSocketDebuggerURL string }
	if err := json.NewDecoder(res.Body).Decode(&tabs); err != nil {
		return "", err
	}
	for _, t := range tabs {
		if t.Type == "page" {
			return t.WebSocketDebuggerURL, nil
		}
	}
	return "", errors.New("it has no tab")
}

// call asks the tab for something and waits for the answer; events are passed over.
func (c *chromium) call(method string, params map[string]any) (json.RawMessage, error) {
	c.calls++
	if err := c.conn.WriteJSON(map[string]any{"id": c.calls, "method": method, "params": params}); err != nil {
		return nil, err
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(pagePatience)); err != nil {
		return nil, err
	}
	for {
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := c.conn.ReadJSON(&answer); err != nil {
			return nil, err
		}
		if answer.ID != c.calls {
			continue
		}
		if answer.Error != nil {
			return nil, errors.New(method + ": " + answer.Error.Message)
		}
		return answer.Result, nil
	}
}

// eval runs a script in the tab; wait = it is a promise.
func (c *chromium) eval(script string, wait bool) (json.RawMessage, error) {
	raw, err := c.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": wait, "returnByValue": true})
	if err != nil {
		return nil, err
	}
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	if out.ExceptionDetails != nil {
		return nil, errors.New("the page's script failed: " + out.ExceptionDetails.Text)
	}
	return out.Result.Value, nil
}

// signIn opens Home in English as the shop's owner.
func (c *chromium) signIn(base string, shop seed.Shop) error {
	if _, err := c.call("Page.navigate", map[string]any{"url": base + "/sign-in"}); err != nil {
		return err
	}
	if err := c.until(`location.origin === "` + base + `"`); err != nil {
		return err
	}
	who, err := json.Marshal(map[string]string{"email": shop.Email, "password": shop.Password})
	if err != nil {
		return err
	}
	script := `localStorage.setItem("lumo.language", "en");
		fetch("/api/v1/sign_in", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(` +
		string(who) + `) }).then((r) => r.status)`
	status, err := c.eval(script, true)
	if err != nil {
		return err
	}
	if string(status) != "200" {
		return fmt.Errorf("signing in was answered %s", status)
	}
	if _, err := c.call("Page.navigate", map[string]any{"url": base + "/"}); err != nil {
		return err
	}
	return c.until(`[...document.querySelectorAll("h1")].some((h) => h.innerText === "Home")`)
}

// until waits for a condition in the page.
func (c *chromium) until(condition string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(pagePatience); time.Now().Before(end); <-tick.C {
		if value, err := c.eval(condition, false); err == nil && string(value) == "true" {
			return nil
		}
	}
	return errors.New("the page does not come to: " + condition)
}
