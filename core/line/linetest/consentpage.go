package linetest

import (
	"html/template"
	"net/http"
	"net/url"
	"time"

	"lumo/shared/fault"
)

// authorizePage is GET /oauth2/v2.1/authorize: LINE's consent screen. Somebody who is signed
// in and agreed before is sent on at once, as LINE does.
func (s *Server) authorizePage(w http.ResponseWriter, r *http.Request) {
	person := s.signedIn(r)
	l, redirect, err := s.begin(r.URL.Query(), person)
	if err != nil {
		s.page(w, http.StatusBadRequest, errorPage, map[string]any{"Text": fault.MessageOf(err)})
		return
	}
	if redirect != "" {
		http.Redirect(w, r, redirect, http.StatusFound)
		return
	}
	screen, err := s.Login(l.ID)
	if err != nil {
		s.page(w, http.StatusBadRequest, errorPage, map[string]any{"Text": fault.MessageOf(err)})
		return
	}
	if l.Prompt == "none" {
		s.silent(w, r, l, screen)
		return
	}
	if screen.Consented && !screen.AddFriend {
		s.finish(w, r, person, Choice{Request: l.ID})
		return
	}
	s.showConsent(w, screen)
}

// silent answers prompt=none: a code without a screen, or the reason why not.
func (s *Server) silent(w http.ResponseWriter, r *http.Request, l *login, screen LoginPage) {
	code := "INTERACTION_REQUIRED"
	switch {
	case l.Person == "":
		code = "LOGIN_REQUIRED"
	case screen.Consented:
		s.finish(w, r, l.Person, Choice{Request: l.ID})
		return
	}
	http.Redirect(w, r, l.back(url.Values{"error": {code}}), http.StatusFound)
}

// showConsent draws the screen. With bot_prompt=aggressive the friend question has a screen
// of its own, after the consent.
func (s *Server) showConsent(w http.ResponseWriter, screen LoginPage) {
	data := map[string]any{"Screen": screen, "People": s.People(),
		"Checkbox": screen.AddFriend && screen.BotPrompt == "normal",
		"Separate": screen.AddFriend && screen.BotPrompt == "aggressive"}
	if screen.Consented && screen.AddFriend {
		s.page(w, http.StatusOK, friendPage, data)
		return
	}
	s.page(w, http.StatusOK, consentPage, data)
}

// consentForm is the submitted consent screen.
func (s *Server) consentForm(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		s.page(w, http.StatusBadRequest, errorPage, map[string]any{"Text": "The form cannot be read."})
		return
	}
	f := r.PostForm
	person := s.signedIn(r)
	if person == "" {
		person = f.Get("person")
		http.SetCookie(
			w,
			&http.Cookie{Name: sessionCookie, Value: url.QueryEscape(person), Path: "/", HttpOnly: true},
		)
	}
	choice := Choice{Request: f.Get("request"), Deny: f.Get("decision") == "deny",
		AddFriend: f.Get("add_friend") == "true", Order: f.Get("order")}
	screen, err := s.Login(choice.Request)
	if err != nil {
		s.page(w, http.StatusBadRequest, errorPage, map[string]any{"Text": fault.MessageOf(err)})
		return
	}
	asked := f.Has("asked") || f.Has("add_friend")
	if !choice.Deny && screen.AddFriend && screen.BotPrompt == "aggressive" && !asked {
		screen.Person = person
		s.page(w, http.StatusOK, friendPage, map[string]any{"Screen": screen})
		return
	}
	s.finish(w, r, person, choice)
}

// finish sends the browser back to the callback. The follow event comes first, or a little
// later, when the callback has had its time.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, person string, choice Choice) {
	location, follow, err := s.decide(person, choice)
	if err != nil {
		s.page(w, http.StatusBadRequest, errorPage, map[string]any{"Text": fault.MessageOf(err)})
		return
	}
	if choice.Order == CallbackFirst {
		follow(holdFollow)
	} else {
		follow(0)
		s.Deliver(r.Context())
	}
	s.changed("person", person)
	http.Redirect(w, r, location, http.StatusFound)
}

func (s *Server) page(w http.ResponseWriter, status int, text string, data map[string]any) {
	t, err := template.New("page").Funcs(template.FuncMap{"scope": scopeText}).Parse(pageHead + text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_ = t.Execute(w, data) // the reader is gone when this fails
}

func scopeText(scope string) string {
	switch scope {
	case "profile":
		return "Profile info: name, picture, status message"
	case "openid":
		return "Your internal identifier"
	case "email":
		return "Your email address"
	}
	return scope
}

const pageHead = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>LINE Login (simulated)</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#fff;color:#111}
main{max-width:26rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.2rem} ul{padding-left:1.2rem}
.sim{background:#5b3c00;color:#fff;text-align:center;font-size:.75rem;padding:.2rem}
button{display:block;width:100%;min-height:44px;margin:.6rem 0;border-radius:6px;
border:1px solid #bbb;background:#fff;color:#111;font:inherit}
button.main{background:#06752e;border-color:#06752e;color:#fff}
label{display:block;margin:.8rem 0} select{font:inherit;min-height:44px;width:100%}
</style></head><body><div class="sim">Simulated LINE Login</div><main>`

const errorPage = `<h1>400 Bad Request</h1><p>{{.Text}}</p></main></body></html>`

const consentPage = `<h1>{{.Screen.Account.Name}} asks for permission</h1>
<form method="post" action="consent" id="consent">
<input type="hidden" name="request" value="{{.Screen.Request}}">
{{if not .Screen.Person}}<label>Who are you?<select name="person">
{{range .People}}<option value="{{.ID}}">{{.Name}}</option>{{end}}</select></label>{{end}}
<ul>{{range .Screen.Scopes}}<li>{{scope .}}</li>{{end}}</ul>
{{if .Checkbox}}<label><input type="checkbox" name="add_friend" value="true" checked>
Add {{.Screen.Account.Name}} ({{.Screen.Account.BasicID}}) as a friend</label>
<input type="hidden" name="asked" value="1">{{end}}
<button class="main" type="submit" name="decision" value="approve">Allow</button>
<button type="submit" name="decision" value="deny">Cancel</button>
</form></main></body></html>`

const friendPage = `<h1>Add {{.Screen.Account.Name}} as a friend?</h1>
<p>{{.Screen.Account.BasicID}} can then send you messages on LINE.</p>
<form method="post" action="consent" id="friend">
<input type="hidden" name="request" value="{{.Screen.Request}}">
<input type="hidden" name="person" value="{{.Screen.Person}}">
<button class="main" type="submit" name="add_friend" value="true">Add friend</button>
<button type="submit" name="add_friend" value="false">Not now</button>
</form></main></body></html>`
