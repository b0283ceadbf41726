package app

import (
	retentionstore "lumo/core/postgres/retention"
	"lumo/core/retention"
)

// keepShort has old rows forgotten, once a day.
func (a *App) keepShort() {
	s := retention.New(retention.Config{Units: a.db, Store: retentionstore.Store{}, Now: a.now, Log: a.log})
	a.runners = append(a.runners, s.Run)
}
