package prooftest

import (
	"net/http/httptest"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
)

// startVendors serves both vendors, with what goes wrong between them and us.
func (w *World) startVendors() error {
	w.LINE = linetest.New(linetest.Config{Now: w.Clock.Now, Channels: []linetest.Channel{}, People: []linetest.Person{}})
	w.Klaviyo = klaviyotest.New(klaviyotest.Config{Now: w.Clock.Now, Accounts: []klaviyotest.Account{}})
	line := httptest.NewServer(w.Faults.LINE(w.LINE.Handler()))
	klaviyo := httptest.NewServer(w.Faults.Klaviyo(w.Klaviyo.Handler()))
	w.lineURL, w.klaviyoURL = line.URL, klaviyo.URL
	for _, s := range []*httptest.Server{line, klaviyo} {
		w.stops = append(w.stops, func() {
			s.CloseClientConnections()
			s.Close()
		})
	}
	return nil
}
