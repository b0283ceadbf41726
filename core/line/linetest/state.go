package linetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// state is all that survives a restart.
type state struct {
	Secret   []byte                            `json:"secret"` // signs stateless tokens
	Order    []string                          `json:"order"`  // messaging ids as they were added
	Channels map[string]*Channel               `json:"channels"`
	Crowd    []*Person                         `json:"people"`
	Friends  map[string]map[string]*Friendship `json:"friends"` // messaging id, person id
	Chats    map[string][]*Message             `json:"chats"`   // person id
	Sent     []Sent                            `json:"sent"`
	SentSeq  int64                             `json:"sent_seq"`
	Keys     map[string]*acceptedKey           `json:"retry_keys"`
	Replies  map[string]*replyToken            `json:"replies"`
	Used     map[string]int64                  `json:"used"` // messaging id + month
	Logins   map[string]*login                 `json:"logins"`
	Tokens   map[string]*userToken             `json:"tokens"`
	Grants   map[string][]string               `json:"grants"` // login id + person -> scopes
	Queue    []*hook                           `json:"queue"`
	Hooks    []HookTry                         `json:"hooks"`
	HookSeq  int64                             `json:"hook_seq"`
	Jars     map[string]Jar                    `json:"jars"`
	Cached   map[string]map[string]time.Time   `json:"cached"` // person -> image URL -> until
	Numbers  int64                             `json:"numbers"`
	Touches  []touch                           `json:"touches"`
	Units    map[string][]string               `json:"units"` // messaging id + month
	Daily    map[string]int64                  `json:"daily"` // messaging id, day, API
}

func newState() state {
	return state{
		Channels: map[string]*Channel{}, Friends: map[string]map[string]*Friendship{},
		Chats: map[string][]*Message{}, Keys: map[string]*acceptedKey{},
		Replies: map[string]*replyToken{}, Used: map[string]int64{}, Logins: map[string]*login{},
		Tokens: map[string]*userToken{}, Grants: map[string][]string{}, Jars: map[string]Jar{},
		Cached: map[string]map[string]time.Time{}, Units: map[string][]string{},
		Daily: map[string]int64{},
	}
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
	if err := json.Unmarshal(snapshot, &fresh); err != nil {
		return fmt.Errorf("linetest: read the snapshot: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.crowd = fresh, crowd{}
	return nil
}

// AddChannel makes an account, or replaces the one with the same messaging channel id.
// What is left empty is filled in. The answer is the account as it is now.
func (s *Server) AddChannel(c Channel) Channel {
	s.mu.Lock()
	c = c.complete(len(s.db.Order))
	if _, known := s.db.Channels[c.MessagingID]; !known {
		s.db.Order = append(s.db.Order, c.MessagingID)
		s.db.Friends[c.MessagingID] = map[string]*Friendship{}
	}
	kept := c
	s.db.Channels[c.MessagingID] = &kept
	s.mu.Unlock()
	s.changed("channel", c.MessagingID)
	return c
}

// Accounts lists the accounts in the order they were made.
func (s *Server) Accounts() []Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Channel, 0, len(s.db.Order))
	for _, id := range s.db.Order {
		out = append(out, *s.db.Channels[id])
	}
	return out
}

// Change edits an account as its owner would in LINE's consoles.
func (s *Server) Change(channel string, edit func(*Channel)) bool {
	s.mu.Lock()
	c := s.find(channel)
	if c != nil {
		edit(c)
	}
	s.mu.Unlock()
	if c != nil {
		s.changed("channel", channel)
	}
	return c != nil
}

// find takes a messaging channel id, a login channel id or a basic id. The lock is held.
func (s *Server) find(channel string) *Channel {
	if c, ok := s.db.Channels[channel]; ok {
		return c
	}
	for _, c := range s.db.Channels {
		if c.LoginID == channel || strings.EqualFold(c.BasicID, channel) {
			return c
		}
	}
	return nil
}

// byLogin finds the account of a login channel. The lock is held.
func (s *Server) byLogin(login string) *Channel {
	for _, c := range s.db.Channels {
		if c.LoginID == login {
			return c
		}
	}
	return nil
}

// only is the one account there is, when a caller names none. The lock is held.
func (s *Server) only(channel string) *Channel {
	if channel == "" && len(s.db.Order) > 0 {
		return s.db.Channels[s.db.Order[0]]
	}
	return s.find(channel)
}

// AddPerson gives somebody a phone. Without an id one is made of the name.
func (s *Server) AddPerson(p Person) Person {
	s.mu.Lock()
	if p.Language == "" {
		p.Language = "ja"
	}
	if p.ID == "" {
		p.ID = s.freeID(p.Name)
	}
	kept := p
	if i := s.index(p.ID); i >= 0 {
		s.db.Crowd[i] = &kept
		s.crowd = crowd{}
	} else {
		s.db.Crowd = append(s.db.Crowd, &kept)
	}
	s.mu.Unlock()
	s.changed("person", p.ID)
	return p
}

// AddFriends gives many people a phone who are friends of an account already; their ids are
// new. The account is told nothing: it was long ago.
func (s *Server) AddFriends(channel string, people []Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.only(channel)
	for _, p := range people {
		s.db.Crowd = append(s.db.Crowd, &p)
		s.db.Friends[c.MessagingID][p.ID] = &Friendship{State: Friend, Since: s.now()}
	}
}

// freeID makes a short id of a name. The lock is held.
func (s *Server) freeID(name string) string {
	base := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(name))
	if base == "" {
		base = "person"
	}
	for n, id := 2, base; ; n++ {
		if s.index(id) < 0 {
			return id
		}
		id = fmt.Sprintf("%s%d", base, n)
	}
}

func (s *Server) index(person string) int {
	i, ok := s.look().places[person]
	if !ok {
		return -1
	}
	return i
}

// person finds somebody by id. The lock is held.
func (s *Server) person(id string) *Person {
	if i := s.index(id); i >= 0 {
		return s.db.Crowd[i]
	}
	return nil
}

// byUser finds the person behind a provider's user id. The lock is held.
func (s *Server) byUser(provider, user string) *Person {
	users := s.look().users[provider]
	if users == nil {
		users = map[string]*Person{}
		s.crowd.users[provider] = users
	}
	for len(users) < len(s.db.Crowd) {
		p := s.db.Crowd[len(users)]
		users[UserID(provider, p.ID)] = p
	}
	return users[user]
}

// crowd finds people in a large crowd without a walk. It grows with the crowd, and is made
// anew when somebody was replaced or everything was restored.
type crowd struct {
	places map[string]int                // person id -> place in the crowd
	users  map[string]map[string]*Person // provider, user id
}

// look is the crowd's index as of now. The lock is held.
func (s *Server) look() *crowd {
	if s.crowd.places == nil {
		s.crowd = crowd{places: map[string]int{}, users: map[string]map[string]*Person{}}
	}
	for i := len(s.crowd.places); i < len(s.db.Crowd); i++ {
		s.crowd.places[s.db.Crowd[i].ID] = i
	}
	return &s.crowd
}

// friendship is the relation, made on first use. The lock is held.
func (s *Server) friendship(c *Channel, p *Person) *Friendship {
	f := s.db.Friends[c.MessagingID][p.ID]
	if f == nil {
		f = &Friendship{State: None}
		s.db.Friends[c.MessagingID][p.ID] = f
	}
	return f
}

// People lists everybody.
func (s *Server) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Person, 0, len(s.db.Crowd))
	for _, p := range s.db.Crowd {
		out = append(out, *p)
	}
	return out
}

// FriendshipOf tells how a person and an account stand.
func (s *Server) FriendshipOf(person, channel string) Friendship {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, p := s.only(channel), s.person(person)
	if c == nil || p == nil {
		return Friendship{State: None}
	}
	return *s.friendship(c, p)
}
