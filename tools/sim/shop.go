package main

import (
	"html/template"
	"net/http"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/vendortest"
)

// shopPage is a page of the shop with a Klaviyo form on it and, below it, whatever script a
// merchant would have put there. The form behaves as Klaviyo's: it sends what was typed to
// Klaviyo and then tells the page with the event klaviyoForms.
var shopPage = template.Must(template.New("shop").Parse(`<!doctype html><html lang="en"><head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{.Shop}} (simulated shop)</title><style>
body{font:16px/1.6 system-ui,sans-serif;margin:0;color:#1b1f24} main{max-width:30rem;margin:auto;padding:1rem}
label{display:block;margin:.6rem 0} input,button{font:inherit;min-height:44px;width:100%;box-sizing:border-box}
</style></head><body><main><h1>{{.Shop}}</h1>
{{if .Form.ID}}<form id="klaviyo-form" data-form="{{.Form.ID}}" data-company="{{.Company}}">
<h2>{{.Form.Name}}</h2><label>Email <input name="email" type="email" required autocomplete="email"></label>
<label>First name <input name="first_name"></label><button>Sign up</button>
<p id="klaviyo-done" role="status"></p></form>{{else}}<p>There is no form in the account.</p>{{end}}
{{if .Script}}<script src="{{.Script}}" async></script>{{end}}
<script>
const form = document.getElementById("klaviyo-form");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  const answer = await fetch("/sim/v1/klaviyo/forms/" + form.dataset.form + "/submit", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
  const done = document.getElementById("klaviyo-done");
  if (!answer.ok) { done.textContent = (await answer.json()).detail; return; }
  done.textContent = "Thank you.";
  window.dispatchEvent(new CustomEvent("klaviyoForms", { detail: { type: "submit", formId: form.dataset.form,
    companyId: form.dataset.company, metaData: { $email: fields.email, email: fields.email,
    $first_name: fields.first_name } } }));
});
</script></main></body></html>`))

// shop serves the page: ?form= one of the account's forms, ?script= what the merchant put in.
func (s *sim) shop(w http.ResponseWriter, r *http.Request) {
	view := struct {
		Shop, Company, Script string
		Form                  klaviyotest.Form
	}{}
	// Only a script of this machine: the page is beside the control API.
	if u, _, ok := vendortest.Target(r.URL.Query().Get("script"), false); ok && vendortest.Loopback(u) {
		view.Script = u.String()
	}
	for _, a := range s.klaviyo.Accounts() {
		if account(r) == "" || account(r) == a.ID {
			view.Shop, view.Company = a.Name, a.ID
			break
		}
	}
	for _, f := range s.klaviyo.Forms(account(r)) {
		if wanted := r.URL.Query().Get("form"); wanted == "" || wanted == f.ID {
			view.Form = f
			break
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = shopPage.Execute(w, view) // the reader is gone when this fails
}
