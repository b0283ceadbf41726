// Package look is what a LINE account is recognised by on pages that customers see, whoever draws
// them: its colour and its picture.
//
// Each colour has a name, and a class of that name in Style.
package look

import (
	"net/url"
	"strings"
)

// Rings are the colours' names, in the order in which accounts get them.
func Rings() []string { return []string{"teal", "blue", "amber", "violet", "pink", "olive"} }

// Style is for a page's main element, whose class is the colour's name, and the picture in it.
const Style = `main{border-top:6px solid transparent}
.teal{border-color:#0b7f77}.blue{border-color:#2f6fd0}.amber{border-color:#b26a00}
.violet{border-color:#8250c4}.pink{border-color:#c2366b}.olive{border-color:#5f7a1f}
main>img{width:78px;height:78px;border:3px solid;border-color:inherit;border-radius:50%;object-fit:cover}
`

// PictureOrigin is where a page may load an account's picture from: a web host, as LINE's is, or a
// simulator on this machine. Empty = the picture is not shown.
func PictureOrigin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "127.0.0.1") ||
		strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyz0123456789.-:") != "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
