package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"lumo/shared/edgeapi"
	"lumo/shared/look"
)

// content is what the template shows; the library escapes all of it.
type content struct {
	Language string
	Shop     string
	Ring     string // name of the account's colour
	Picture  string // its address
	Text     string
	Link     string
	LinkText string
	Image    template.URL // data: URL of a code that we drew
	ImageAlt string
}

// showPage writes a page for customers: no script, nothing personal, in the browser's
// language.
func (s *Server) showPage(ctx *fasthttp.RequestCtx, status int, page edgeapi.Page, number uint32) {
	shop, known := s.channel(number)
	w := wordsFor(string(ctx.Request.Header.Peek("Accept-Language")), shop.Language)
	c := s.contentOf(number, shop, w)
	c.Text = w.missing
	switch page {
	case edgeapi.PageGone:
		if c.Text = w.gone; !known {
			c.Text = w.goneAnywhere
		}
	case edgeapi.PageUnavailable:
		c.Text = w.unavailable
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retrySeconds))
	}
	if isWebAddress(shop.FallbackURL) {
		c.Link, c.LinkText = shop.FallbackURL, strings.ReplaceAll(w.toShop, "{shop}", shop.Shop)
	}
	c.Text = strings.ReplaceAll(c.Text, "{shop}", shop.Shop)
	s.render(ctx, status, c)
}

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// desktopPage shows the code of the same address for the visitor's phone.
func (s *Server) desktopPage(ctx *fasthttp.RequestCtx, address string, number uint32) {
	image, err := drawQR(address)
	if err != nil {
		s.showPage(ctx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable, number)
		return
	}
	shop, _ := s.channel(number)
	w := wordsFor(string(ctx.Request.Header.Peek("Accept-Language")), shop.Language)
	c := s.contentOf(number, shop, w)
	c.Text, c.ImageAlt = w.scan, "QR"
	c.Image = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(image))
	s.render(ctx, fasthttp.StatusOK, c)
}

// contentOf is what all pages of an account have.
func (s *Server) contentOf(number uint32, shop edgeapi.ChannelEntry, w words) content {
	account := s.look(number)
	c := content{Language: w.tag, Shop: shop.Shop, Ring: account.Ring}
	if look.PictureOrigin(account.Picture) != "" {
		c.Picture = account.Picture
	}
	return c
}

func (s *Server) render(ctx *fasthttp.RequestCtx, status int, c content) {
	if c.Shop == "" {
		c.Shop = "LINE"
	}
	var out bytes.Buffer
	if err := s.page.Execute(&out, c); err != nil {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		return
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/html; charset=utf-8")
	h := &ctx.Response.Header
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy(c.Picture))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Language")
	ctx.SetBody(out.Bytes())
}

// policy allows the page's own style, a drawn code and the shop's picture; nothing else.
func policy(picture string) string {
	sum := sha256.Sum256([]byte(pageStyle))
	images := "data:"
	if picture != "" {
		images += " " + look.PictureOrigin(picture)
	}
	return "default-src 'none'; img-src " + images + "; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

const pageStyle = look.Style + `:root{color-scheme:light dark}
body{margin:0;padding:12vh 16px 32px;background:#f6f7f9;color:#1b1f24;
font:16px/1.6 system-ui,"Hiragino Sans","Yu Gothic UI","Noto Sans JP","Noto Sans TC","Noto Sans Thai",sans-serif}
main{box-sizing:border-box;max-width:28rem;margin:auto;padding:32px 24px;border-radius:12px;background:#fff;text-align:center}
h1{margin:0 0 16px;font-size:1.25rem;overflow-wrap:anywhere}
p{margin:0 0 16px;line-break:strict;word-break:auto-phrase}
p img{width:240px;height:240px;border-radius:8px;image-rendering:pixelated}
a{color:#0b6e67}
@media (prefers-color-scheme:dark){body{background:#15181c;color:#e6e9ed}main{background:#1d2126}a{color:#5ccfc2}}`

const pageTemplate = `<!doctype html>
<html lang="{{.Language}}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>{{.Shop}}</title>
<style>` + pageStyle + `</style></head>
<body><main{{with .Ring}} class="{{.}}"{{end}}>
{{- with .Picture}}<img src="{{.}}" alt="" width="78" height="78" referrerpolicy="no-referrer">{{end -}}
<h1>{{.Shop}}</h1><p>{{.Text}}</p>
{{- if .Image}}<p><img src="{{.Image}}" alt="{{.ImageAlt}}" width="240" height="240"></p>{{end}}
{{- if .Link}}<p><a href="{{.Link}}" rel="noreferrer">{{.LinkText}}</a></p>{{end -}}
</main></body></html>
`
