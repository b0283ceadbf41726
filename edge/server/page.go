package server

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"github.com/valyala/fasthttp"

	"lumo/shared/edgeapi"
)

const (
	imageSize = 480
	quietZone = 4 // modules of white around a code, as readers need
	policy    = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// words are a page's sentences in one language; {shop} is filled in.
type words struct {
	gone, missing, toShop, unavailable, scan string
}

func wordsOf(language string) words {
	switch language {
	case "ja":
		return words{
			gone:        "このリンクは使用できません。{shop}からの最新のメールを開き、もう一度お試しください。",
			missing:     "ページが見つかりません。",
			toShop:      "{shop}のサイトへ",
			unavailable: "ただいま表示できません。少し待ってからもう一度お試しください。",
			scan:        "スマートフォンのカメラで読み取ってください。",
		}
	case "zh":
		return words{
			gone:        "此連結已失效。請開啟{shop}最新的電子郵件後再試一次。",
			missing:     "找不到此頁面。",
			toShop:      "前往{shop}",
			unavailable: "目前無法顯示。請稍候再試一次。",
			scan:        "請用手機相機掃描。",
		}
	case "th":
		return words{
			gone:        "ลิงก์นี้ใช้ไม่ได้แล้ว เปิดอีเมลล่าสุดจาก {shop} แล้วลองอีกครั้ง",
			missing:     "ไม่พบหน้านี้",
			toShop:      "ไปที่ {shop}",
			unavailable: "ยังแสดงหน้านี้ไม่ได้ รอสักครู่แล้วลองอีกครั้ง",
			scan:        "สแกนด้วยกล้องโทรศัพท์ของคุณ",
		}
	}
	return words{
		gone:        "This link no longer works. Open the newest email from {shop} and try again.",
		missing:     "This page does not exist.",
		toShop:      "Go to {shop}",
		unavailable: "This cannot be shown right now. Wait a moment and try again.",
		scan:        "Scan with your phone's camera.",
	}
}

// content is what the template shows; the library escapes all of it.
type content struct {
	Language string
	Shop     string
	Text     string
	Link     string
	LinkText string
	Image    template.URL // data: URL of a code that we drew
	URL      string
}

// page writes a page for customers: no script, nothing personal, in the browser's language.
func (s *Server) page(ctx *fasthttp.RequestCtx, status int, page edgeapi.Page, number uint32) {
	language := languageOf(ctx)
	w, shop := wordsOf(language), s.shop(number)
	c := content{Language: language, Shop: shop.Shop}
	switch page {
	case edgeapi.PageGone:
		c.Text = w.gone
	case edgeapi.PageUnavailable:
		c.Text = w.unavailable
		ctx.Response.Header.Set("Retry-After", retryAfter)
	default:
		c.Text = w.missing
	}
	if shop.FallbackURL != "" {
		c.Link, c.LinkText = shop.FallbackURL, strings.ReplaceAll(w.toShop, "{shop}", shop.Shop)
	}
	c.Text = strings.ReplaceAll(c.Text, "{shop}", shop.Shop)
	s.render(ctx, status, c)
}

// shop names the shop; without one the sentences still read well.
func (s *Server) shop(number uint32) edgeapi.ChannelEntry {
	if entry, ok := s.channel(number); ok {
		return entry
	}
	return edgeapi.ChannelEntry{Shop: "LINE"}
}

// desktopPage shows the code of the same address for the visitor's phone.
func (s *Server) desktopPage(ctx *fasthttp.RequestCtx, url string, number uint32) {
	image, err := drawQR(url)
	if err != nil {
		s.page(ctx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable, number)
		return
	}
	language := languageOf(ctx)
	s.render(ctx, fasthttp.StatusOK, content{Language: language, Shop: s.shop(number).Shop, Text: wordsOf(language).scan,
		Image: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(image)), URL: url})
}

func (s *Server) drawPNG(ctx *fasthttp.RequestCtx, url string) {
	image, err := drawQR(url)
	if err != nil {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		return
	}
	ctx.SetContentType("image/png")
	ctx.SetBody(image)
}

func drawQR(url string) ([]byte, error) {
	code, err := qr.Encode(url, qr.M, qr.Auto)
	if err != nil {
		return nil, err
	}
	modules := code.Bounds().Dx()
	scale := max(1, imageSize/(modules+2*quietZone))
	scaled, err := barcode.Scale(code, modules*scale, modules*scale)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = png.Encode(&out, framed{scaled, quietZone * scale})
	return out.Bytes(), err
}

func (s *Server) render(ctx *fasthttp.RequestCtx, status int, c content) {
	var out bytes.Buffer
	t, err := template.New("page").Parse(pageTemplate)
	if err == nil {
		err = t.Execute(&out, c)
	}
	if err != nil {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		return
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/html; charset=utf-8")
	h := &ctx.Response.Header
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	ctx.SetBody(out.Bytes())
}

func languageOf(ctx *fasthttp.RequestCtx) string {
	accept := string(ctx.Request.Header.Peek("Accept-Language"))
	for part := range strings.SplitSeq(accept, ",") {
		if part = strings.TrimSpace(part); len(part) >= 2 {
			switch part[:2] {
			case "en", "ja", "zh", "th":
				return part[:2]
			}
		}
	}
	return "en"
}

const pageTemplate = `<!doctype html>
<html lang="{{.Language}}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>{{.Shop}}</title>
<style>body{font:16px/1.6 system-ui,"Hiragino Sans","Noto Sans JP",sans-serif;color:#1b1f24;background:#f6f7f9;margin:0}
main{max-width:28rem;margin:12vh auto 0;padding:2rem 1.5rem;background:#fff;border-radius:12px;text-align:center}
h1{font-size:1.25rem;margin:0 0 1rem}img{width:240px;height:240px;image-rendering:pixelated}
a{color:#0b6e67}code{font-size:.75rem;word-break:break-all;color:#59636e}</style></head>
<body><main><h1>{{.Shop}}</h1><p>{{.Text}}</p>
{{if .Image}}<p><img src="{{.Image}}" alt="QR"></p><p><code>{{.URL}}</code></p>{{end}}
{{if .Link}}<p><a href="{{.Link}}" rel="noreferrer">{{.LinkText}}</a></p>{{end}}
</main></body></html>
`
