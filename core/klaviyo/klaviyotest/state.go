package klaviyotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// state is all that survives a restart.
type state struct {
	Order    []string           `json:"order"`
	Sites    map[string]*site   `json:"sites"`
	Apps     map[string]*App    `json:"apps"`
	Grants   map[string]*grant  `json:"grants"` // refresh token
	Access   map[string]*access `json:"access"` // access token
	Codes    map[string]*code   `json:"codes"`
	Calls    []Call             `json:"calls"`
	Activity []Activity         `json:"activity"`
}

// site is one account's data.
type site struct {
	Account   Account              `json:"account"`
	Profiles  map[string]*Profile  `json:"profiles"`
	Sorted    []string             `json:"sorted"` // profile ids as they were made
	Merged    map[string]string    `json:"merged"` // old profile id -> the one that took it over
	MergedAt  map[string]time.Time `json:"merged_at"`
	Events    []*Event             `json:"events"`
	Seen      map[string]bool      `json:"seen"` // profile, metric, unique id
	Metrics   []*Metric            `json:"metrics"`
	Lists     []*List              `json:"lists"`
	Segments  []*Segment           `json:"segments"`
	Flows     []*Flow              `json:"flows"`
	Runs      []*run               `json:"runs"`
	Jobs      map[string]*job      `json:"jobs"`
	Hooks     []*hook              `json:"hooks"`
	HookQueue []*hookEvent         `json:"hook_queue"`
	HookLog   []HookTry            `json:"hook_log"`
	Forms     []*Form              `json:"forms"`
	Emails    []Email              `json:"emails"`

	byEmail, byPhone, byExternal map[string]string
	byProfile                    map[string][]*Event
	byEvent                      map[string]*Event
	pending                      []*Event // not seen by flows yet
	segmentsDue                  []int64  // Unix seconds
}

func newState() state {
	return state{Sites: map[string]*site{}, Apps: map[string]*App{}, Grants: map[string]*grant{},
		Access: map[string]*access{}, Codes: map[string]*code{}}
}

func newSite(a Account) *site {
	t := &site{Account: a, Profiles: map[string]*Profile{}, Merged: map[string]string{},
		MergedAt: map[string]time.Time{}, Seen: map[string]bool{}, Jobs: map[string]*job{}}
	t.index()
	return t
}

// index makes the look-up tables that a snapshot does not hold.
func (t *site) index() {
	t.byEmail, t.byPhone, t.byExternal = map[string]string{}, map[string]string{}, map[string]string{}
	t.byProfile = map[string][]*Event{}
	for _, p := range t.Profiles {
		t.enter(p)
	}
	t.byEvent, t.pending = map[string]*Event{}, nil
	for _, e := range t.Events {
		t.enterEvent(e)
	}
}

func (t *site) enterEvent(e *Event) {
	t.byProfile[e.Profile] = append(t.byProfile[e.Profile], e)
	t.byEvent[e.ID] = e
	if !e.Started {
		t.pending = append(t.pending, e)
	}
}

func (t *site) enter(p *Profile) {
	for _, v := range []struct {
		table map[string]string
		value string
	}{{t.byEmail, p.Email}, {t.byPhone, p.Phone}, {t.byExternal, p.ExternalID}} {
		if v.value != "" {
			v.table[v.value] = p.ID
		}
	}
}

func (t *site) leave(p *Profile) {
	delete(t.byEmail, p.Email)
	delete(t.byPhone, p.Phone)
	delete(t.byExternal, p.ExternalID)
}

// profile finds a profile, also by the id of one that was merged into it.
func (t *site) profile(id string) *Profile {
	if p, ok := t.Profiles[id]; ok {
		return p
	}
	return t.Profiles[t.Merged[id]]
}

// Snapshot is everything as JSON, for Restore.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(&s.db)
}

// Restore replaces everything by a snapshot.
func (s *Server) Restore(snapshot []byte) error {
	fresh := newState()
	if err := decode(snapshot, &fresh); err != nil {
		return fmt.Errorf("klaviyotest: read the snapshot: %w", err)
	}
	for _, t := range fresh.Sites {
		if t.MergedAt == nil {
			t.MergedAt = map[string]time.Time{}
		}
		t.index()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db = fresh
	return nil
}

// decode reads JSON and keeps numbers as they were written.
func decode(text []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(into)
}

// AddAccount makes an account, or changes the settings of the one with the same id.
func (s *Server) AddAccount(a Account) {
	s.mu.Lock()
	if t := s.db.Sites[a.ID]; t != nil {
		t.Account = a
	} else {
		s.db.Sites[a.ID] = newSite(a)
		s.db.Order = append(s.db.Order, a.ID)
	}
	s.mu.Unlock()
	s.changed("account", a.ID)
}

// Accounts lists the accounts in the order they were made.
func (s *Server) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Account, 0, len(s.db.Order))
	for _, id := range s.db.Order {
		out = append(out, s.db.Sites[id].Account)
	}
	return out
}

// App gives an OAuth app's settings.
func (s *Server) App(clientID string) (App, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.db.Apps[clientID]
	if a == nil {
		return App{}, false
	}
	return *a, true
}

// SetApp makes or changes an OAuth app.
func (s *Server) SetApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db.Apps[a.ClientID] = &a
}

// site finds an account; empty is the first one. The lock is held.
func (s *Server) site(account string) *site {
	if account == "" && len(s.db.Order) > 0 {
		account = s.db.Order[0]
	}
	return s.db.Sites[account]
}

// Calls is every request of the API that was answered, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.db.Calls)
}

// trim keeps the newest rows of a log. It waits until there is a quarter too many, so that
// a busy log is not moved with every row.
func trim[T any](rows []T, keep int) []T {
	if keep > 0 && len(rows) > keep+keep/4 {
		return slices.Delete(rows, 0, len(rows)-keep)
	}
	return rows
}

func upper(text string) string { return strings.ToUpper(text) }

// stamp is how Klaviyo writes a time of a profile or list: microseconds and an offset.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000-07:00")
}

// moment is how Klaviyo writes the time of an event: whole seconds and an offset.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-07:00") }
