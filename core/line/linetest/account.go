package linetest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// userIDForm is what LINE takes for a user id.
func userIDForm(text string) bool {
	return strings.HasPrefix(text, "U") && recipientForm(text)
}

// here is the channel of a call. The lock is held; authenticate found it a moment ago.
func (s *Server) here(c *call) *Channel { return s.find(c.channel) }

// info is GET /v2/bot/info.
func (s *Server) info(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.here(c)
	body := map[string]string{"userId": own.BotUserID, "basicId": own.BasicID,
		"displayName": own.Name, "chatMode": own.ChatMode, "markAsReadMode": "auto"}
	if own.ChatMode == "chat" {
		body["markAsReadMode"] = "manual"
	}
	if own.PictureURL != "" {
		body["pictureUrl"] = own.PictureURL
	}
	return ok(body)
}

// profile is GET /v2/bot/profile/{userId}: friends, and others who wrote to the account.
func (s *Server) profile(c *call) answer {
	user := c.PathValue("userId")
	if !userIDForm(user) {
		return refuse(http.StatusBadRequest, "The value for the 'userId' parameter is invalid")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.here(c)
	p := s.byUser(own.Provider, user)
	if p == nil || p.Deleted || !s.known(own, p) {
		return refuse(http.StatusNotFound, textNotFound)
	}
	return ok(p.profile(user, true))
}

// known tells whether the account may see the person's profile. The lock is held.
func (s *Server) known(c *Channel, p *Person) bool {
	f := s.friendship(c, p)
	return f.State == Friend || f.State == None && !f.WroteAt.IsZero()
}

func (p *Person) profile(user string, language bool) map[string]string {
	body := map[string]string{"userId": user, "displayName": p.Name}
	if language {
		body["language"] = p.Language
	}
	if p.PictureURL != "" {
		body["pictureUrl"] = p.PictureURL
	}
	if p.StatusText != "" {
		body["statusMessage"] = p.StatusText
	}
	return body
}

// followers is GET /v2/bot/followers/ids, for verified accounts only.
func (s *Server) followers(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.here(c)
	if !own.Verified {
		return refuse(http.StatusForbidden, textForbidden)
	}
	count, start, bad := window(c, 300, 1000)
	if bad != nil {
		return *bad
	}
	ids := s.followerIDs(own)
	start = min(start, len(ids))
	end := min(start+count, len(ids))
	body := map[string]any{"userIds": ids[start:end]}
	if end < len(ids) {
		body["next"] = nextStart(end)
	}
	return ok(body)
}

// window reads limit and start of a list.
func window(c *call, usual, most int) (count, start int, bad *answer) {
	refused := func(text string) (int, int, *answer) {
		a := refuse(http.StatusBadRequest, text)
		return 0, 0, &a
	}
	count = usual
	if text := c.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return refused("The value for the 'limit' parameter is invalid")
		}
		count = n
	}
	if text := c.URL.Query().Get("start"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		n, err2 := strconv.Atoi(string(raw))
		if err != nil || err2 != nil || n < 0 {
			return refused("Invalid start param")
		}
		start = n
	}
	return count, start, nil
}

// nextStart is the token of the page that begins at a row.
func nextStart(row int) string { return base64.RawURLEncoding.EncodeToString([]byte(itoa(row))) }

// followerIDs are the user ids of those who can be reached. The lock is held.
func (s *Server) followerIDs(c *Channel) []string {
	ids := []string{}
	for _, p := range s.db.Crowd {
		if s.friendship(c, p).State == Friend && !p.Deleted {
			ids = append(ids, UserID(c.Provider, p.ID))
		}
	}
	slices.Sort(ids)
	return ids
}

// quota is GET /v2/bot/message/quota.
func (s *Server) quota(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := s.here(c); own.Quota != nil {
		return ok(map[string]any{"type": "limited", "value": *own.Quota})
	}
	return ok(map[string]any{"type": "none"})
}

// consumption is GET /v2/bot/message/quota/consumption.
func (s *Server) consumption(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(map[string]any{"totalUsage": s.db.Used[s.month(s.here(c))]})
}

// month is the key of a channel's consumption. Where LINE's month ends is not documented;
// here it is midnight in Japan, as in LINE's statistics.
func (s *Server) month(c *Channel) string {
	return c.MessagingID + " " + jst(s.now()).Format("2006-01")
}

// Use sets what a channel has used of this month's quota.
func (s *Server) Use(channel string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.only(channel); c != nil {
		s.db.Used[s.month(c)] = n
	}
}

// Usage is what a channel has used of this month's quota.
func (s *Server) Usage(channel string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.only(channel); c != nil {
		return s.db.Used[s.month(c)]
	}
	return 0
}

// loading is POST /v2/bot/chat/loading/start.
func (s *Server) loading(c *call) answer {
	body := struct {
		Chat    string `json:"chatId"`
		Seconds *int   `json:"loadingSeconds"`
	}{}
	if a, fine := c.json(&body); !fine {
		return a
	}
	if !userIDForm(body.Chat) {
		return refuse(
			http.StatusBadRequest,
			"The property, 'chatId', in the request body is invalid (line: -, column: -)",
		)
	}
	if n := body.Seconds; n != nil && (*n < 5 || *n > 60) {
		return refuse(http.StatusBadRequest, "The request body has 1 error(s)",
			detail{"Must be between 5 and 60", "loadingSeconds"})
	} else if n != nil && *n%5 != 0 {
		return refuse(http.StatusBadRequest, "The request body has 1 error(s)",
			detail{"must be a multiple of five", "loadingSeconds"})
	}
	return answer{status: http.StatusAccepted}
}
