package server_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
	"lumo/shared/token"
)

const picture = "\xff\xd8\xff a picture of tea"

func mediaPath(sum [32]byte) string { return edgeapi.MediaPath + hex.EncodeToString(sum[:]) }

// imagePath is an image of the demo channel in a width, for one person.
func imagePath(number uint32, width string) string {
	return "/i/" + token.Sign(token.Token{Kind: token.Image, Key: 1,
		Channel: edgeapitest.Channel, Subject: 42, Link: number}, edgeapitest.LinkKey()) + "/" + width
}

// putImage tells the edge which file an image is.
func (e *edge) putImage(number uint32, width uint16, sum [32]byte, perPerson bool) {
	e.t.Helper()
	e.core.Put(edgeapi.TableImage, edgeapi.ImageKey(edgeapitest.Channel, number, width),
		edgeapi.ImageEntry{SHA256: sum, MediaType: "image/jpeg", PerPerson: perPerson}.Append(nil))
	e.until("the image is known",
		func() bool { return e.core.Acked() == e.core.Version() })
}

func TestMediaAreFetchedOnceAndServedForEver(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	path := mediaPath(e.core.AddMedia("image/jpeg", []byte(picture)))
	for range 3 {
		got := e.get(path)
		if got.status != 200 || got.body != picture ||
			got.header.Get("Content-Type") != "image/jpeg" ||
			!strings.Contains(got.header.Get("Cache-Control"), "immutable") ||
			got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Fatalf("got %d %q %v", got.status, got.body, got.header)
		}
	}
	if got := e.do("HEAD", path, ""); got.status != 200 || got.body != "" ||
		got.header.Get("Content-Length") != "20" {
		t.Errorf("HEAD: got %d %q %v", got.status, got.body, got.header)
	}
	e.core.Stop()
	if got := e.get(path); got.status != 200 {
		t.Errorf("the core is away: got %d", got.status)
	}
	if n := e.core.MediaFetches(); n != 1 {
		t.Errorf("it was fetched %d times want 1", n)
	}
	if got := e.get(mediaPath([32]byte{1})); got.status != 503 ||
		got.header.Get("Retry-After") == "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("another, the core away: got %d %v", got.status, got.header)
	}
}

func TestPartsOfMediaAreServed(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	path := mediaPath(e.core.AddMedia("video/mp4", []byte("0123456789")))
	tag := e.get(path).header.Get("ETag")
	for _, c := range []struct {
		header, value, body, part string
		status                    int
	}{
		{"Range", "bytes=2-4", "234", "bytes 2-4/10", 206},
		{"Range", "bytes=7-", "789", "bytes 7-9/10", 206},
		{"Range", "bytes=-2", "89", "bytes 8-9/10", 206},
		{"Range", "bytes=10-", "", "bytes */10", 416},
		{"Range", "bytes=0-1,4-5", "0123456789", "", 200},
		{"Range", "lines=1-2", "0123456789", "", 200},
		{"If-None-Match", tag, "", "", 304},
		{"If-None-Match", `"other"`, "0123456789", "", 200},
	} {
		got := e.get(path, c.header, c.value)
		if got.status != c.status || got.body != c.body ||
			got.header.Get("Content-Range") != c.part {
			t.Errorf("%s %s: got %d %q %v", c.header, c.value, got.status, got.body, got.header)
		}
	}
}

func TestMediaAreOnlyWhatTheyMayBe(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	page := mediaPath(e.core.AddMedia("text/html", []byte("<script>alert(1)</script>")))
	huge := mediaPath(e.core.AddMedia("image/png", make([]byte, 1<<17)))
	fine := mediaPath(e.core.AddMedia("image/png", []byte("x")))
	for name, c := range map[string]struct {
		method, path string
		status       int
	}{
		"unknown":    {"GET", mediaPath([32]byte{9}), 404},
		"a page":     {"GET", page, 404},
		"too large":  {"GET", huge, 503},
		"short hash": {"GET", "/m/abc", 404},
		"upper case": {"GET", "/m/" + strings.ToUpper(fine[3:]), 404},
		"a way out":  {"GET", "/m/../" + fine[3:], 404},
		"no hash":    {"GET", "/m/", 404},
		"posted":     {"POST", fine, 405},
	} {
		got := e.do(c.method, c.path, "")
		if got.status != c.status || strings.Contains(got.body, "script") ||
			strings.Contains(got.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: got %d %q %v", name, got.status, got.body, got.header)
		}
	}
}

func TestStrangersCannotMakeUsAskForFiles(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	known := mediaPath(e.core.AddMedia("image/png", []byte("x")))
	e.get(known)
	asked := e.core.MediaFetches()
	sent, refused := 0, false
	for ; !refused && sent < 5000; sent++ { // a hundred a second are allowed
		refused = e.get(mediaPath([32]byte{byte(sent), byte(sent >> 8), 7})).status == 503
	}
	if !refused || e.core.MediaFetches()-asked >= sent {
		t.Errorf("of %d, %d came to the core", sent, e.core.MediaFetches()-asked)
	}
	if got := e.get(known); got.status != 200 {
		t.Errorf("what is at hand: got %d", got.status)
	}
}

func TestAnImageIsItsFileAndAnOpen(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	sum := e.core.AddMedia("image/jpeg", []byte(picture))
	e.putImage(5, 1040, sum, true)
	e.putImage(6, 0, sum, false)
	e.putImage(7, 1, [32]byte{9}, true) // a file that nobody has
	for _, c := range []struct {
		path   string
		status int
		opens  int
	}{
		{imagePath(5, "1040"), http.StatusOK, 1},
		{imagePath(6, "0"), http.StatusOK, 0},
		{imagePath(7, "1"), http.StatusNotFound, 0},
		{imagePath(5, "999"), http.StatusNotFound, 0},
	} {
		before := len(e.core.Events())
		got := e.get(c.path, "User-Agent", phone)
		e.handOver()
		opens := e.core.Events()[before:]
		if got.status != c.status || len(opens) != c.opens {
			t.Errorf("%s: got %d and %d opens", c.path, got.status, len(opens))
		}
		if c.status == http.StatusOK && (got.body != picture || got.location() != "" ||
			!strings.HasPrefix(got.header.Get("Cache-Control"), "private")) {
			t.Errorf("%s: got %q %v", c.path, got.body, got.header)
		}
		if c.opens == 1 && (opens[0].Type != event.Open || opens[0].Subject != 42) {
			t.Errorf("got %+v", opens[0])
		}
	}
	e.core.Stop()
	if got := e.get(imagePath(5, "1040")); got.status != 200 {
		t.Errorf("the core is away: got %d", got.status)
	}
}

func TestAnImageTooNewForTheReplicaIsAskedAbout(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	sum := e.core.AddMedia("image/jpeg", []byte(picture))
	e.core.Answering(func(edgetest.Asked) edgetest.Answer {
		return edgetest.Answer{Status: 302, Header: map[string]string{"Location": mediaPath(sum)}}
	})
	got := e.get(imagePath(99, "460"), "User-Agent", phone)
	e.handOver()
	if got.status != 200 || got.body != picture || len(e.core.Events()) != 1 {
		t.Errorf("got %d %q, %d events", got.status, got.body, len(e.core.Events()))
	}
}
