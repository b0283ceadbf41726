package seed

import (
	"context"
	"fmt"
	"html"
	"regexp"
)

// Scanned is the address of a QR code in an email that Klaviyo rendered for a customer.
func Scanned(ctx context.Context, sim *Sim, code QRCode, profile string) (string, error) {
	mail, err := sim.Email(ctx, profile, code.HTML)
	if err != nil {
		return "", err
	}
	href := regexp.MustCompile(`href="([^"]+/q/[^"]+)"`).FindStringSubmatch(mail)
	if href == nil {
		return "", fmt.Errorf("the email holds no link to a code: %s", mail)
	}
	return html.UnescapeString(href[1]), nil
}

// Link takes a person from the email through LINE Login to the end, confirming if asked. It
// gives the page that she sees last.
func Link(ctx context.Context, sim *Sim, code QRCode, person, profile, order string) (Page, error) {
	address, err := Scanned(ctx, sim, code, profile)
	if err != nil {
		return Page{}, err
	}
	opened, err := sim.Scan(ctx, person, address)
	if err != nil {
		return Page{}, err
	}
	last := opened[len(opened)-1]
	if last.Login == nil {
		return Page{}, fmt.Errorf("the scan did not lead to LINE Login: %d %s", last.Status, last.Text)
	}
	if opened, err = sim.Consent(ctx, person, last.Login.Request, order); err != nil {
		return Page{}, err
	}
	if last = opened[len(opened)-1]; len(last.Forms) > 0 {
		if opened, err = sim.Submit(ctx, person); err != nil {
			return Page{}, err
		}
		last = opened[len(opened)-1]
	}
	if last.Status != 200 {
		return last, fmt.Errorf("the page at the end says %d: %s", last.Status, last.Text)
	}
	return last, nil
}
