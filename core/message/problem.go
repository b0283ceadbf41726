package message

import (
	"fmt"
	"strings"
)

// Level says what a problem means.
type Level string

// The levels: an error keeps a message from being published.
const (
	ErrorLevel   Level = "error"
	WarningLevel Level = "warning"
)

// Problem is something a merchant should look at before a message is used. Screens put the
// code into words; Sentence is the English of it.
type Problem struct {
	Level Level
	Code  string
	Block int    // from 0; -1 = the whole message
	Path  string // in the block's JSON: "contents.body.contents[0].text"
	Line  int    // in the block's JSON, from 1
	Data  map[string]any
}

// Sentence says what is wrong and what to do.
func (p Problem) Sentence() string {
	text, ok := sentences()[p.Code]
	if !ok {
		return p.Code
	}
	for name, value := range p.Data {
		text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(value))
	}
	return text
}

// sentences are the English of all problems.
func sentences() map[string]string {
	return map[string]string{
		"no_blocks":         "Add at least one block.",
		"too_many_blocks":   "LINE takes at most {max} blocks. Remove {over}.",
		"name":              "Enter a name of at most {max} characters.",
		"not_json":          "This is not JSON. Look at line {line}.",
		"name_twice":        "“{name}” stands twice in the same object.",
		"too_deep":          "This is nested too deeply.",
		"unknown_type":      "LINE knows no “{type}” here.",
		"missing":           "“{field}” is missing.",
		"empty":             "“{field}” is empty.",
		"too_long":          "{n} of at most {max} characters. Shorten it by {over}.",
		"alt_missing":       "Add an alt text. It is shown in notifications.",
		"uri_too_long":      "The link has {n} characters. LINE takes {max}.",
		"uri_bad":           "This is not a link LINE opens. Use https, http, tel or line.",
		"picture_url_long":  "The picture's address has {n} characters. LINE takes {max}.",
		"picture_url_bad":   "The picture's address must begin with https.",
		"too_many":          "{n} of at most {max}. Remove {over}.",
		"too_few":           "At least {min} needed.",
		"bubble_size":       "The card has {n} KB. LINE takes {max} KB.",
		"carousel_size":     "All cards together have {n} KB. LINE takes {max} KB.",
		"card_sizes_differ": "All cards must have the same size.",
		"imagemap_width":    "The width must be 1040.",
		"imagemap_height":   "The height must be a whole number of at least 1.",
		"area_outside":      "The tap area lies outside the picture.",
		"emoji_shift":       "LINE's own emoji cannot stand in a text with variables.",
		"klaviyo_template":  "“{found}” is Klaviyo's form. Here it is written {fix}.",
		"no_fallback":       "If {name} is empty, nothing is shown. Set a fallback.",
		"link_no_fallback":  "Without {name} there is no link. Set a fallback.",
		"utm_variable":      "Campaign parameters know no {name}. Use message, version or account.",
		"picture_slow":      "The picture did not load within {n} seconds. LINE may show a blank.",
		"picture_away":      "The picture cannot be loaded from {host}.",
		"picture_private":   "The picture's address leads into a private network. LINE cannot reach it.",
		"picture_not_image": "This address is not a JPEG or PNG picture.",
		"picture_too_large": "The picture has {n} MB. LINE takes {max} MB.",
		"line_refuses":      "LINE would refuse this part.",
		"line_unavailable":  "LINE's check is not available now. Only our own rules were applied.",
	}
}

// Codes are all codes of problems, for the test that looks for their words.
func Codes() []string {
	var all []string
	for code := range sentences() {
		all = append(all, code)
	}
	return all
}

// Blocking tells whether one of the problems keeps a message from being published.
func Blocking(all []Problem) bool {
	for _, p := range all {
		if p.Level == ErrorLevel {
			return true
		}
	}
	return false
}
