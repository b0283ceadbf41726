package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"lumo/core/lumo"
)

const typed = "canary-typed-7f3a"

// send sends a body as it is, and reads the problem that comes back.
func (d *desk) send(t testing.TB, role lumo.Role, method, path, contentType, body string) (
	*http.Response, string, map[string]any) {
	t.Helper()
	if rest, ok := strings.CutPrefix(path, "."); ok {
		path = "/merchants/" + d.Merchant.String() + rest
	}
	req, err := http.NewRequestWithContext(t.Context(), method, d.server.URL+"/api/v1"+path,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := d.client(role).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	_ = json.Unmarshal(text, &out)
	return res, string(text), out
}

// client is a role's browser, or one in which nobody signed in.
func (d *desk) client(role lumo.Role) *http.Client {
	if c := d.clients[role]; c != nil {
		return c
	}
	c := *d.server.Client()
	c.Jar = nil
	return &c
}

func TestBadInputIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	codes := "./channels/" + d.Channel.ID.String() + "/qr_codes"
	long := strings.Repeat(typed, 40)
	for name, c := range map[string]struct {
		method, path, kind, body string
		status                   int
		field, says              string
	}{
		"not JSON":         {"POST", codes, "", `{"name":"` + typed, 400, "body", "Send JSON that can be read."},
		"another content":  {"POST", codes, "text/csv", typed, 400, "body", "application/json"},
		"nothing":          {"POST", codes, "", "", 400, "", "Send a JSON object."},
		"a list":           {"POST", codes, "", `["` + typed + `"]`, 400, "body", "Give an object"},
		"too long":         {"POST", codes, "", `{"identify_by":"none","name":"` + long + `"}`, 400, "name", "Use at most 200 characters."},
		"none of the list": {"POST", codes, "", `{"identify_by":"` + typed + `"}`, 400, "identify_by", "Choose one of: profile, email, phone, none."},
		"missing":          {"POST", codes, "", `{"name":"` + typed + `"}`, 400, "identify_by", "Fill this in."},
		"another type":     {"POST", codes, "", `{"identify_by":{"` + typed + `":1}}`, 400, "identify_by", "Enter a text."},
		"unknown member":   {"POST", codes, "", `{"identify_by":"none","` + typed + `":"x"}`, 400, "body", "Leave out"},
		"too large":        {"POST", codes, "", `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "", "too large"},
		"no number":        {"GET", "./channels/" + d.Channel.ID.String() + "/friends?limit=" + typed, "", "", 400, "limit", "Enter a whole number."},
		"a large number":   {"GET", "./channels/" + d.Channel.ID.String() + "/friends?limit=90210", "", "", 400, "limit", "or less."},
		"unknown address":  {"GET", "/" + typed, "", "", 404, "", "does not exist"},
	} {
		res, text, got := d.send(t, lumo.Owner, c.method, c.path, c.kind, c.body)
		kind := map[int]string{400: "invalid", 404: "not_found", 413: "too_large"}[c.status]
		if res.StatusCode != c.status || got["kind"] != kind || got["request"] == "" ||
			res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s %s", name, res.StatusCode, res.Header.Get("Content-Type"), text)
			continue
		}
		says, _ := got["detail"].(string)
		if c.field != "" {
			fields, _ := got["fields"].(map[string]any)
			says, _ = fields[c.field].(string)
			if c.field == "body" {
				says += got["detail"].(string)
			}
		}
		if !strings.Contains(says, c.says) {
			t.Errorf("%s: got %s, want %q of %q", name, text, c.says, c.field)
		}
		if strings.Contains(text, typed) || strings.Contains(text, "90210") {
			t.Errorf("%s: the answer repeats what was typed: %s", name, text)
		}
	}
}

func TestDescriptionNamesProblemsAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	res, err := d.client("").Get(d.server.URL + "/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Paths) < 10 {
		t.Fatalf("got %d paths", len(doc.Paths))
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			good := false
			for status, r := range op.Responses {
				if status[0] == '2' {
					good = true
					continue
				}
				if r.Content["application/problem+json"].Schema.Ref != "#/components/schemas/Problem" || status == "422" {
					t.Errorf("%s %s: %s is %+v", method, path, status, r)
				}
			}
			if !good || len(op.Responses) < 5 {
				t.Errorf("%s %s: responses are %v", method, path, op.Responses)
			}
		}
	}
}

// FuzzBodyOfAnOperation sends any text as the body of an operation: the answer is a success
// or a problem with our own words.
func FuzzBodyOfAnOperation(f *testing.F) {
	for _, seed := range []string{`{"identify_by":"none"}`, `{`, ``, `null`, `[]`, `"x"`, `{"identify_by":null}`,
		`{"name":["x"],"identify_by":7}`, `{"a":{"a":{"a":[]}}}`, "\x00", `{"identify_by":"none","identify_by":"x"}`,
		`{"$schema":1,"identify_by":"none"}`, `1e999`, `{"name":"\ud800","identify_by":"none"}`} {
		f.Add(seed)
	}
	d := newDesk(f)
	path := "./channels/" + d.Channel.ID.String() + "/qr_codes"
	f.Fuzz(func(t *testing.T, body string) {
		res, text, got := d.send(t, lumo.Owner, "POST", path, "application/json", body)
		if res.StatusCode == http.StatusOK {
			return
		}
		if (res.StatusCode != 400 && res.StatusCode != 413) || got["request"] == "" || got["detail"] == "" {
			t.Errorf("%q: got %d %s", body, res.StatusCode, text)
		}
	})
}
