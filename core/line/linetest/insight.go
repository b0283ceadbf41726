package linetest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

const (
	// fewest is how many people a number must stand for; LINE gives null below it.
	fewest = 20
	// counted is how long after a send LINE goes on counting.
	counted = 14 * 24 * time.Hour
	// mostUnits is how many names of statistics units a month may hold; a further one is
	// lost in silence.
	mostUnits = 1000
)

// touch is one view or tap that LINE's statistics count.
type touch struct {
	Channel string    `json:"channel"`
	Unit    string    `json:"unit,omitempty"`
	Request string    `json:"request"`
	At      time.Time `json:"at"`
	Seq     int       `json:"seq"` // which message of the request, from 1
	Person  string    `json:"person"`
	URL     string    `json:"url,omitempty"` // empty = the message was seen
}

// jst is the zone of LINE's statistics.
func jst(t time.Time) time.Time { return t.In(time.FixedZone("JST", 9*3600)) }

func dayKey(t time.Time) string { return jst(t).Format("20060102") }

// count notes that a message was seen, or one of its links tapped. The lock is held.
func (s *Server) count(person string, m *Message, address string) {
	if m.From != "account" || s.now().Sub(m.At) > counted {
		return
	}
	s.db.Touches = trim(append(s.db.Touches, touch{m.Channel, m.Unit, m.Request, s.now(), m.Seq, person,
		address}), s.keep)
}

// countTap finds the newest message with a link and counts its tap.
func (s *Server) countTap(person, channel, message, address string) {
	quoted, _ := json.Marshal(address) // a string
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.db.Chats[person]) {
		if message != "" && m.ID != message || channel != "" && m.Channel != channel {
			continue
		}
		if bytes.Contains(m.Message, quoted) || bytes.Contains(m.Message, []byte(address)) {
			s.count(person, m, address)
			return
		}
	}
}

// unit enters a name into this month's units; a name too many is lost. The lock is held.
func (s *Server) unit(c *Channel, names []string) string {
	if len(names) == 0 {
		return ""
	}
	key := s.month(c)
	if !slices.Contains(s.db.Units[key], names[0]) {
		if len(s.db.Units[key]) >= mostUnits {
			return ""
		}
		s.db.Units[key] = append(s.db.Units[key], names[0])
	}
	return names[0]
}

// unitCount is GET /v2/bot/message/aggregation/info.
func (s *Server) unitCount(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(map[string]int{"numOfCustomAggregationUnits": len(s.db.Units[s.month(s.here(c))])})
}

// unitList is GET /v2/bot/message/aggregation/list.
func (s *Server) unitList(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.db.Units[s.month(s.here(c))]
	most, start, bad := window(c, 100, 100)
	if bad != nil {
		return *bad
	}
	start = min(start, len(names))
	end := min(start+most, len(names))
	body := map[string]any{"customAggregationUnits": append([]string{}, names[start:end]...)}
	if end < len(names) {
		body["next"] = nextStart(end)
	}
	return ok(body)
}

// statistics counts touches: people once per number that begins with unique.
type statistics struct {
	viewers, tappers map[string]bool
	seqs             map[int]*seqStatistics
	clicks           map[string]*clickStatistics // seq and address
	order            []string
}

type seqStatistics struct {
	views   int
	viewers map[string]bool
}

type clickStatistics struct {
	seq     int
	url     string
	clicks  int
	tappers map[string]bool
}

// sum adds up the touches that pass. The lock is held.
func (s *Server) sum(pass func(touch) bool) *statistics {
	t := &statistics{viewers: map[string]bool{}, tappers: map[string]bool{},
		seqs: map[int]*seqStatistics{}, clicks: map[string]*clickStatistics{}}
	for _, one := range s.db.Touches {
		if pass(one) {
			t.add(one)
		}
	}
	return t
}

func (t *statistics) add(one touch) {
	if one.URL == "" {
		t.viewers[one.Person] = true
		q := t.seqs[one.Seq]
		if q == nil {
			q = &seqStatistics{viewers: map[string]bool{}}
			t.seqs[one.Seq] = q
		}
		q.views++
		q.viewers[one.Person] = true
		return
	}
	t.tappers[one.Person] = true
	key := strconv.Itoa(one.Seq) + " " + one.URL
	k := t.clicks[key]
	if k == nil {
		k = &clickStatistics{seq: one.Seq, url: one.URL, tappers: map[string]bool{}}
		t.clicks[key] = k
		t.order = append(t.order, key)
	}
	k.clicks++
	k.tappers[one.Person] = true
}

// shown is a number, or null where it stands for too few people.
func shown(n, people int) any {
	if people < fewest {
		return nil
	}
	return n
}

// body is how both statistics endpoints answer. Media are not played in the simulator.
func (t *statistics) body(overview map[string]any) map[string]any {
	overview["uniqueImpression"] = shown(len(t.viewers), len(t.viewers))
	overview["uniqueClick"] = shown(len(t.tappers), len(t.tappers))
	overview["uniqueMediaPlayed"], overview["uniqueMediaPlayed100Percent"] = nil, nil
	messages, clicks := []any{}, []any{}
	for seq := 1; seq <= 5; seq++ {
		q := t.seqs[seq]
		if q == nil {
			continue
		}
		row := map[string]any{"seq": seq, "impression": shown(q.views, len(q.viewers)),
			"uniqueImpression": shown(len(q.viewers), len(q.viewers))}
		for _, part := range []string{"", "25Percent", "50Percent", "75Percent", "100Percent"} {
			row["mediaPlayed"+part], row["uniqueMediaPlayed"+part] = nil, nil
		}
		messages = append(messages, row)
	}
	for _, key := range t.order {
		k := t.clicks[key]
		n := len(k.tappers)
		clicks = append(clicks, map[string]any{"seq": k.seq, "url": k.url, "click": shown(k.clicks, n),
			"uniqueClick": shown(n, n), "uniqueClickOfRequest": shown(t.everySeq(k.url), n)})
	}
	return map[string]any{"overview": overview, "messages": messages, "clicks": clicks}
}

// everySeq is how many people tapped an address in any message of the request.
func (t *statistics) everySeq(address string) int {
	people := map[string]bool{}
	for _, k := range t.clicks {
		if k.url == address {
			for person := range k.tappers {
				people[person] = true
			}
		}
	}
	return len(people)
}

// unitStatistics is GET /v2/bot/insight/message/event/aggregation. A bad question is
// answered with four nulls, as LINE documents.
func (s *Server) unitStatistics(c *call) answer {
	q := c.URL.Query()
	from, err := time.Parse("20060102", q.Get("from"))
	to, err2 := time.Parse("20060102", q.Get("to"))
	name := regexp.MustCompile(`^[A-Za-z0-9_]{1,30}$`)
	if err != nil || err2 != nil || to.Before(from) || to.Sub(from) > 30*24*time.Hour ||
		!name.MatchString(q.Get("customAggregationUnit")) {
		return answer{status: http.StatusBadRequest, body: map[string]any{"message": nil, "key": nil,
			"stacktrace": nil, "code": nil}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(s.sum(func(t touch) bool {
		day := dayKey(t.At)
		return t.Channel == c.channel && t.Unit == q.Get("customAggregationUnit") &&
			day >= q.Get("from") && day <= q.Get("to")
	}).body(map[string]any{}))
}

// requestStatistics is GET /v2/bot/insight/message/event, for broadcasts.
func (s *Server) requestStatistics(c *call) answer {
	request := c.URL.Query().Get("requestId")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range s.db.Sent {
		if row.RequestID != request || row.Channel != c.channel || row.API != "broadcast" ||
			row.Result != Accepted {
			continue
		}
		return ok(s.sum(func(t touch) bool {
			return t.Channel == c.channel && t.Request == request
		}).body(map[string]any{"requestId": request, "timestamp": row.At.Unix(),
			"delivered": len(row.Delivered)}))
	}
	return refuse(http.StatusBadRequest, "Invalid request id: "+request)
}

// tally adds accepted messages to the day's numbers. The lock is held.
func (s *Server) tally(c *Channel, api string, n int) {
	s.db.Daily[c.MessagingID+" "+dayKey(s.now())+" "+api] += int64(n)
}

// day reads the date of a question; ready is whether LINE has the numbers of that day yet.
func (s *Server) day(c *call) (day string, ready bool, bad *answer) {
	day = c.URL.Query().Get("date")
	if _, err := time.Parse("20060102", day); err != nil {
		a := refuse(http.StatusBadRequest, "The value for the 'date' parameter is invalid")
		return "", false, &a
	}
	return day, day < dayKey(s.now()), nil
}

// sentCount is GET /v2/bot/message/delivery/{push,reply,multicast,broadcast}.
func (s *Server) sentCount(api string) endpoint {
	return func(c *call) answer {
		day, ready, bad := s.day(c)
		if bad != nil {
			return *bad
		}
		if !ready {
			return ok(map[string]any{"status": "unready"})
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return ok(map[string]any{"status": "ready", "success": s.db.Daily[c.channel+" "+day+" "+api]})
	}
}

// deliveryStatistics is GET /v2/bot/insight/message/delivery.
func (s *Server) deliveryStatistics(c *call) answer {
	day, ready, bad := s.day(c)
	if bad != nil {
		return *bad
	}
	if !ready {
		return ok(map[string]any{"status": "unready"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := func(api string) int64 { return s.db.Daily[c.channel+" "+day+" "+api] }
	return ok(map[string]any{"status": "ready", "apiPush": n("push"), "apiMulticast": n("multicast"),
		"apiBroadcast": n("broadcast"), "apiReply": n("reply")})
}

// followerStatistics is GET /v2/bot/insight/followers. The simulator has no history: each
// day that is over has the numbers of now, and an open one nulls, which LINE's reference
// shows and its document forbids.
func (s *Server) followerStatistics(c *call) answer {
	_, ready, bad := s.day(c)
	if bad != nil {
		return *bad
	}
	if !ready {
		return ok(map[string]any{"status": "unready", "followers": nil, "targetedReaches": nil,
			"blocks": nil})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	friends, blocked := 0, 0
	for _, f := range s.db.Friends[c.channel] {
		switch f.State {
		case Friend:
			friends++
		case Blocked:
			blocked++
		}
	}
	return ok(map[string]any{"status": "ready", "followers": friends + blocked,
		"targetedReaches": friends, "blocks": blocked})
}
