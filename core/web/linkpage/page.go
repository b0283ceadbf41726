package linkpage

import "lumo/shared/look"

// pageStyle is allowed by its hash, so it stands in the page exactly as here.
const pageStyle = look.Style + `
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:24px;
background:#f4f6f6;color:#1c2526;font:16px/1.6 system-ui,sans-serif;overflow-wrap:anywhere}
main{width:100%;max-width:400px;background:#fff;border-radius:16px;padding:32px 24px;text-align:center;
box-shadow:0 1px 4px rgba(0,0,0,.12)}
h1{font-size:20px;line-height:1.4;margin:12px 0}
button,.button{display:block;width:100%;min-height:48px;margin-top:20px;padding:12px 16px;border:0;
border-radius:8px;background:#0b6b6b;color:#fff;font:inherit;font-weight:600;text-decoration:none;cursor:pointer}
button:focus-visible,.button:focus-visible{outline:2px solid #1c2526;outline-offset:2px}
@media (prefers-color-scheme:dark){body{background:#121818;color:#eef2f2}main{background:#1d2526}
button,.button{background:#5cc4c0;color:#081111}
button:focus-visible,.button:focus-visible{outline-color:#eef2f2}}
`

const pageHTML = `<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main{{with .Ring}} class="{{.}}"{{end}}>
{{- if .Picture}}
<img src="{{.Picture}}" alt="">
{{- end}}
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{- if .Action}}
<form method="post" action="{{.Action}}">
<input type="hidden" name="{{.Field}}" value="{{.Value}}">
<button type="submit">{{.Button}}</button>
</form>
{{- end}}
{{- if .AddURL}}
<p>{{.Hint}}</p>
<a class="button" href="{{.AddURL}}" rel="noreferrer">{{.AddText}}</a>
{{- end}}
</main>
</body>
</html>
`
