package klaviyotest

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"lumo/core/vendortest"
	"lumo/shared/fault"
)

const (
	webhookTimeout = 10 * time.Second // not documented by Klaviyo
	retries        = 17
	retrySpan      = 24 * time.Hour
	tooOld         = 6 * time.Hour // older events start no flows
	keptAnswer     = 2 << 10
)

// Work does everything that is due: imports, segments, events that start flows, actions.
// It returns when nothing more is due now.
func (s *Server) Work(ctx context.Context) {
	s.round.Lock()
	defer s.round.Unlock()
	for ctx.Err() == nil {
		due := s.prepare()
		if s.deliverHooks(ctx) == 0 && len(due) == 0 {
			return
		}
		var group sync.WaitGroup
		for _, one := range due {
			group.Go(func() { s.step(ctx, one.site, one.run) })
		}
		group.Wait()
	}
}

type dueRun struct {
	site *site
	run  *run
}

// prepare moves everything that needs no call, and gives the actions that do, 16 at a time.
func (s *Server) prepare() []dueRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []dueRun
	for _, id := range s.db.Order {
		t := s.db.Sites[id]
		s.forget(t)
		s.workJobs(t)
		s.startFlows(t)
		s.workSegments(t)
		for _, r := range t.Runs {
			if len(out) < 16 && !r.Due.After(s.now()) {
				out = append(out, dueRun{t, r})
			}
		}
	}
	return out
}

// startFlows lets events that have become visible start flows. The lock is held.
func (s *Server) startFlows(t *site) {
	now := s.now()
	t.pending = slices.DeleteFunc(t.pending, func(e *Event) bool {
		if e.Visible.After(now) {
			return false
		}
		e.Started = true
		s.queueHooks(t, e.topic(t), e.ID, e.resource(""))
		s.resegment(t)
		if e.Backfill || now.Sub(e.At) > tooOld {
			return true
		}
		for _, f := range t.Flows {
			if f.Metric == e.Metric {
				s.enter(t, f, e.Profile, e.ID)
			}
		}
		return true
	})
}

// entered starts the flows of a list or segment that a profile came into. The lock is held.
func (s *Server) entered(t *site, kind, id, profile string) {
	for _, f := range t.Flows {
		if kind == "list" && f.List == id || kind == "segment" && f.Segment == id {
			s.enter(t, f, profile, "")
		}
	}
}

// enter puts a profile into a flow, unless the flow is in draft. The lock is held.
func (s *Server) enter(t *site, f *Flow, profile, event string) {
	if f.Status == Draft || f.Archived || len(f.Actions) == 0 {
		return
	}
	if p := t.profile(profile); p == nil || !f.Filter.holds(t, p) {
		return
	}
	t.Runs = append(
		t.Runs,
		&run{ID: s.ulid(), Flow: f.ID, Profile: profile, Event: event, Due: s.now()},
	)
}

// step runs the action that a run stands at.
func (s *Server) step(ctx context.Context, t *site, r *run) {
	s.mu.Lock()
	f := t.flow(r.Flow)
	if f == nil || r.Step >= len(f.Actions) {
		s.drop(t, r)
		s.mu.Unlock()
		return
	}
	a := f.Actions[r.Step]
	if a.Type == ConditionalSplit {
		s.split(t, r, f, a)
		s.mu.Unlock()
		return
	}
	if f.Status != Live || a.Type != TimeDelay && a.Status != Live {
		s.skip(t, r, f, a)
		s.mu.Unlock()
		return
	}
	switch a.Type {
	case TimeDelay:
		s.next(f, r)
		r.Due = s.now().Add(time.Duration(a.DelaySeconds) * time.Second)
		s.mu.Unlock()
		return
	case SendEmail:
		s.email(t, r, a)
		s.next(f, r)
		s.mu.Unlock()
		s.changed("email", r.Profile)
		return
	}
	act := s.activity(t, f, a, r.Profile, r.Event)
	if r.Attempt == 0 {
		r.First = s.now()
	}
	r.Attempt++
	act.Attempt = r.Attempt
	s.mu.Unlock()
	s.send(ctx, &act)
	if _, twice := s.faults.Take("klaviyo.flow_webhook", vendortest.Duplicate); twice {
		again := act
		s.send(ctx, &again)
		s.keepActivity(again)
	}
	s.mu.Lock()
	s.settle(f, t, r, &act)
	s.mu.Unlock()
	s.keepActivity(act)
}

// skip passes an action over that is not live. The lock is held.
func (s *Server) skip(t *site, r *run, f *Flow, a Action) {
	act := s.activity(t, f, a, r.Profile, r.Event)
	act.ID, act.At, act.Status, act.Reason = s.ulid(), s.now(), Skipped, "the action is in "+a.Status
	if f.Status != Live {
		act.Reason = "the flow is in " + f.Status
	}
	s.db.Activity = trim(append(s.db.Activity, act), s.keep)
	s.next(f, r)
}

// next moves a run on to the action that follows. The lock is held.
func (s *Server) next(f *Flow, r *run) { s.to(f, r, f.following(r.Step)) }

func (s *Server) to(f *Flow, r *run, action string) {
	r.Step, r.Attempt, r.Due = f.at(action), 0, s.now()
	if r.Step < 0 {
		r.Step = len(f.Actions) // it has come to the end
	}
}

// split sends a profile one of two ways. The lock is held.
func (s *Server) split(t *site, r *run, f *Flow, a Action) {
	if p := t.profile(r.Profile); p != nil && a.Filter.holds(t, p) {
		s.next(f, r)
		return
	}
	s.to(f, r, a.NextFalse)
}

func (s *Server) drop(t *site, r *run) {
	t.Runs = slices.DeleteFunc(t.Runs, func(o *run) bool { return o == r })
}

// settle decides what a status means: 2xx goes on, 429 500 502 503 and no answer are tried
// again, everything else is lost for good. The lock is held.
func (s *Server) settle(f *Flow, t *site, r *run, act *Activity) {
	switch {
	case act.Reason == badTemplate || act.Reason == badAddress:
		act.Status = Skipped
	case act.Code/100 == 2:
		act.Status = Sent
	case act.Code == 0 || slices.Contains([]int{429, 500, 502, 503}, act.Code):
		wait := backoff(r.Attempt)
		if r.Attempt > retries || s.now().Add(wait).Sub(r.First) > retrySpan {
			act.Status = Failed
			break
		}
		r.Due = s.now().Add(wait)
		next := r.Due
		act.Status, act.NextAt = Retrying, &next
		return
	default:
		act.Status = Skipped
		act.Reason = "refused for good with this status"
	}
	if now := t.flow(f.ID); now != nil && r.Step < len(now.Actions) { // it may have been edited meanwhile
		s.next(now, r)
		return
	}
	s.drop(t, r)
}

// backoff is the wait after an attempt: 17 of them fit into a day. Klaviyo tells only that
// it is exponential.
func backoff(attempt int) time.Duration {
	wait := 10 * time.Second
	for range attempt - 1 {
		wait = wait * 165 / 100
	}
	return wait
}

const (
	badTemplate = "the body cannot be rendered"
	badAddress  = "the address is not https"
)

// activity renders an action for a profile and event. The lock is held.
func (s *Server) activity(t *site, f *Flow, a Action, profile, event string) Activity {
	act := Activity{Flow: f.ID, FlowName: f.Name, Action: a.ID, Profile: profile, Event: event,
		URL: a.URL, Headers: maps.Clone(a.Headers)}
	body, err := Render(a.Body, t.context(profile, event))
	act.Body = body
	if err != nil {
		act.Reason, act.Answer = badTemplate, err.Error()
	}
	return act
}

// context is what a template of an account sees. The lock is held.
func (t *site) context(profile, event string) map[string]any {
	out := map[string]any{}
	if p := t.profile(profile); p != nil {
		person := maps.Clone(p.Properties)
		for name, value := range p.textFields() {
			if *value != "" {
				person[name], out[name] = *value, *value
			}
		}
		person["KlaviyoID"], person["id"] = p.ID, p.ExternalID
		out["person"] = person
	}
	out["organization"] = object{"name": t.Account.Name, "id": t.Account.ID,
		"url": strings.TrimRight(t.Account.Website, "/") + "/"}
	if e := t.byEvent[event]; e != nil {
		properties := maps.Clone(e.Properties)
		if extra, had := properties["$extra"]; had {
			properties["extra"] = extra
		}
		out["event"] = properties
	}
	return out
}

// send makes the request of a webhook action; redirects are not followed.
func (s *Server) send(ctx context.Context, act *Activity) {
	act.ID, act.At = s.ulid(), s.now()
	if act.Reason == badTemplate {
		return
	}
	plain, ok := s.local(act.URL)
	if !ok {
		act.Reason = badAddress
		return
	}
	act.PlainHTTP = plain
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, act.URL, strings.NewReader(act.Body))
	if err != nil {
		act.Reason = badAddress
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Klaviyo/1.0")
	for name, value := range act.Headers {
		req.Header.Set(name, value)
	}
	req.Header["X-Klaviyo-Flow-ID"] = []string{act.Flow} // as Klaviyo writes it
	begun := time.Now()
	res, err := s.client.Do(req)
	act.TookMS = time.Since(begun).Milliseconds()
	if err != nil {
		act.Reason = "no connection"
		if vendortest.Timeout(err) {
			act.Reason = "no answer in time"
		}
		return
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, keptAnswer)) // what came before a break is kept
	act.Code, act.Answer = res.StatusCode, string(text)
}

func (s *Server) keepActivity(act Activity) {
	s.mu.Lock()
	s.db.Activity = trim(append(s.db.Activity, act), s.keep)
	s.mu.Unlock()
	s.changed("activity", act.ID)
}

// Activity is the log of all flows, oldest first; a flow narrows it.
func (s *Server) Activity(flow string) []Activity {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Activity{}
	for _, a := range s.db.Activity {
		if flow == "" || a.Flow == flow {
			out = append(out, a)
		}
	}
	return out
}

// Waiting is how many profiles are on their way through flows.
func (s *Server) Waiting(account string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.site(account); t != nil {
		return len(t.Runs)
	}
	return 0
}

// Preview is a webhook action as it would be sent.
type Preview struct {
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	Problem   string            `json:"problem,omitempty"` // the template cannot be rendered
	ValidJSON bool              `json:"valid_json"`
	PlainHTTP bool              `json:"plain_http"`
}

// Preview renders a flow's webhook for a profile (id or email) and an event. Without an
// event the profile's newest of the flow's metric is taken; without an action the first.
func (s *Server) Preview(account, flow, action, profile, event string) (Preview, error) {
	act, err := s.prepareTest(account, flow, action, profile, event)
	if err != nil {
		return Preview{}, err
	}
	plain, ok := s.local(act.URL)
	p := Preview{URL: act.URL, Headers: act.Headers, Body: act.Body, PlainHTTP: plain,
		ValidJSON: json.Valid([]byte(act.Body))}
	if act.Reason == badTemplate {
		p.Problem = act.Answer
	} else if !ok {
		p.Problem = badAddress
	}
	return p, nil
}

// TestSend sends a flow's webhook once, whatever the flow's status. What a real test send
// adds to the headers is not known; here it is the flow's id, as always.
func (s *Server) TestSend(
	ctx context.Context,
	account, flow, action, profile, event string,
) (Activity, error) {
	act, err := s.prepareTest(account, flow, action, profile, event)
	if err != nil {
		return Activity{}, err
	}
	act.Test, act.Attempt = true, 1
	s.send(ctx, &act)
	act.Status = Failed
	if act.Code/100 == 2 {
		act.Status = Sent
	}
	s.keepActivity(act)
	return act, nil
}

func (s *Server) prepareTest(account, flow, action, profile, event string) (Activity, error) {
	const op = "klaviyotest.Preview"
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil || t.flow(flow) == nil {
		return Activity{}, fault.New(fault.NotFound, op, "There is no such flow.")
	}
	f, p := t.flow(flow), t.find(profile)
	if p == nil {
		return Activity{}, fault.New(fault.NotFound, op, "There is no such profile.")
	}
	i := slices.IndexFunc(f.Actions, func(a Action) bool {
		return a.Type == SendWebhook && (action == "" || a.ID == action)
	})
	if i < 0 {
		return Activity{}, fault.New(fault.NotFound, op, "The flow has no such webhook.")
	}
	if event == "" && f.Metric != "" {
		for _, e := range t.byProfile[p.ID] {
			if e.Metric == f.Metric {
				event = e.ID
			}
		}
	}
	return s.activity(t, f, f.Actions[i], p.ID, event), nil
}
