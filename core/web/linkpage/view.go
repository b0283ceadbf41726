package linkpage

import (
	"net/url"
	"strings"

	"lumo/core/linkage"
)

// view is what the template shows.
type view struct {
	Lang    string
	Title   string
	Text    string
	Shop    string
	Picture string
	Ring    string // the account's colour, as in the console; empty = none
	Action  string // of the form, empty = none
	Field   string
	Value   string
	Button  string
	AddURL  string // add-friend button, empty = none
	AddText string
	Hint    string // beside the add-friend button
}

func viewOf(r linkage.Result, s shop, lang string) view {
	t := texts()[lang]
	v := view{Lang: tag(lang), Shop: s.name, Picture: s.picture, Ring: s.ring, Title: s.name}
	if v.Title == "" {
		v.Title = "LINE"
	}
	switch r.Outcome {
	case linkage.AskLink:
		v.Text = t.askLink
		v.Action, v.Field, v.Value, v.Button = ConfirmPath, confirmField, r.Confirm, t.link
	case linkage.AskUnlink:
		v.Text = t.askUnlink
		v.Action, v.Field, v.Value, v.Button = ConfirmPath, confirmField, r.Confirm, t.unlink
	case linkage.Linked:
		v.Text = t.linked
	case linkage.Added:
		v.Text = t.added
	case linkage.InReview:
		v.Text = t.inReview
	case linkage.Unlinked:
		v.Text = t.unlinked
	case linkage.Declined:
		v.Text = t.declined
	case linkage.TryAgain:
		v.Text = t.tryAgain
	default:
		v.Text = t.noLongerWorks
		if s.name == "" {
			v.Text = t.noLongerWorksAnywhere
		}
	}
	reachable := r.IsFriend || s.basicID == ""
	if !reachable && (r.Outcome == linkage.Linked || r.Outcome == linkage.Added ||
		r.Outcome == linkage.InReview) {
		v.AddURL, v.AddText, v.Hint = addFriendURL(s.basicID), t.addFriend, t.notYetFriend
	}
	for _, text := range []*string{&v.Text, &v.Hint} {
		*text = strings.ReplaceAll(*text, "{shop}", s.name)
	}
	return v
}

// addFriendURL is LINE's page to add an account.
func addFriendURL(basicID string) string {
	return "https://line.me/R/ti/p/" + url.QueryEscape(basicID)
}

// pick chooses the language of the scan, then the browser's, then the shop's.
func pick(scan, browser, shop string) string {
	known := texts()
	for _, wish := range append(append([]string{scan}, strings.Split(browser, ",")...), shop) {
		if wish = strings.TrimSpace(wish); len(wish) >= 2 {
			if lang := strings.ToLower(wish[:2]); known[lang].link != "" {
				return lang
			}
		}
	}
	return "en"
}

// tag is the language as HTML names it; our Chinese is the one of Taiwan.
func tag(lang string) string {
	if lang == "zh" {
		return "zh-TW"
	}
	return lang
}
