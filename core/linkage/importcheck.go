package linkage

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"

	"lumo/core/lumo"
	"lumo/core/run"
)

// checker reads a segment's LINE ids and says what linking them would do. First it reads, then
// it asks LINE about ids that nobody here is known by, if a person agreed to that.
type checker struct{ *Importer }

// Prepare asks Klaviyo or LINE what the next step needs.
func (s checker) Prepare(ctx context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	part, at, _ := strings.Cut(r.Cursor, ":")
	if part == partProbe {
		return s.probe(ctx, r, at)
	}
	of, err := s.account(ctx, r.Merchant, r.Channel)
	if err != nil {
		return nil, err
	}
	if r.Cursor == "" {
		size, err := s.c.Segments.SegmentSize(ctx, r.Merchant, of.KlaviyoAccount, r.Params[paramSegment])
		return func(context.Context) (run.Step, error) {
			return run.Step{Cursor: partRead + ":", Total: &size}, nil
		}, err
	}
	page, err := s.c.Segments.SegmentMembers(ctx, r.Merchant, of.KlaviyoAccount, r.Params[paramSegment], at, memberPage)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (run.Step, error) { return s.read(ctx, r, page) }, nil
}

// read takes one page of customers.
func (s checker) read(ctx context.Context, r run.Run, page MemberPage) (run.Step, error) {
	step := run.Step{Cursor: partRead + ":" + page.Next, Counts: map[string]int64{}, Wait: page.Wait}
	items := make([]Item, len(page.Members))
	var users []lumo.LineUserID
	for i, p := range page.Members {
		items[i] = Item{Profile: p.ID}
		items[i].User, items[i].Result = lineID(p.Properties[r.Params[paramProperty]])
		if items[i].Result == "" {
			users = append(users, items[i].User)
		}
	}
	keys, err := s.c.Items.UserKeys(ctx, r.Merchant, users)
	if err != nil {
		return step, err
	}
	known, err := s.c.Items.KnownUsers(ctx, r.Merchant, r.Channel, keys)
	if err != nil {
		return step, err
	}
	for i := range items {
		if items[i].Result != "" {
			continue
		}
		items[i].Twin, keys = keys[0], keys[1:]
		one, ok := known[string(items[i].Twin)]
		switch {
		case !ok:
			items[i].Result = NotKnown
		case one.Erased:
			items[i].Result = Unreachable
		}
		if items[i].Friend = one.Friend; items[i].Result != NotKnown {
			items[i].User = "" // the friend tells it
		}
	}
	if err := s.settle(ctx, r, items, &step); err != nil {
		return step, err
	}
	if page.Next == "" {
		step.Cursor, step.Ended = partProbe+":", true
	}
	return step, nil
}

// lineID reads a property's value.
func lineID(value any) (lumo.LineUserID, ItemResult) {
	if value == nil {
		return "", NoValue
	}
	text, ok := value.(string)
	user := lumo.LineUserID(strings.TrimSpace(text))
	switch {
	case ok && user == "":
		return "", NoValue
	case !ok || !user.Valid():
		return "", Malformed
	}
	return user, ""
}

// settle judges items that have a friend, looks for others that want the same, and stores
// them. A customer whom Klaviyo told twice while pages moved counts once.
func (s *Importer) settle(ctx context.Context, r run.Run, items []Item, step *run.Step) error {
	f, err := s.foundFor(ctx, r.Merchant, r.Channel, items)
	if err != nil {
		return err
	}
	before, err := s.twins(ctx, r, items)
	if err != nil {
		return err
	}
	kept := items[:0]
	var changed []Item
	for _, i := range items {
		if i.Result == "" {
			i.Result = f.judge(i)
		}
		twin, double := before[string(i.Twin)]
		if double = double && i.Twin != nil; double && twin.Profile == i.Profile && twin.Friend == i.Friend {
			continue
		}
		i.N = r.Done + int64(len(kept)) + 1
		if double && i.Result == WillLink {
			i.Result = ForReview
			if twin.Profile != i.Profile {
				i.Other = twin.Profile
			}
		}
		if double && twin.Result == WillLink {
			twin.Result = ForReview
			before[string(i.Twin)] = twin
			if at := slices.IndexFunc(kept, func(k Item) bool { return k.N == twin.N }); at >= 0 {
				kept[at].Result = ForReview // counted below
			} else {
				changed = append(changed, twin)
				step.Counts[string(WillLink)]--
				step.Counts[string(ForReview)]++
			}
		}
		if i.Twin != nil && !double {
			before[string(i.Twin)] = i
		}
		kept = append(kept, i)
	}
	for _, i := range kept {
		step.Counts[string(i.Result)]++
		if i.Result == Malformed {
			step.Problems++
		}
	}
	step.Done += int64(len(kept))
	if err := s.c.Items.SetItems(ctx, r.Merchant, r.ID, changed); err != nil {
		return err
	}
	return s.c.Items.AddItems(ctx, r.Merchant, r.ID, kept)
}

// twins are the first items of a run that want what these want.
func (s *Importer) twins(ctx context.Context, r run.Run, items []Item) (map[string]Item, error) {
	var keys [][]byte
	for _, i := range items {
		if i.Twin != nil {
			keys = append(keys, i.Twin)
		}
	}
	list, err := s.c.Items.Twins(ctx, r.Merchant, r.ID, keys)
	first := map[string]Item{}
	for _, i := range list {
		if _, ok := first[string(i.Twin)]; !ok {
			first[string(i.Twin)] = i
		}
	}
	return first, err
}

// sampleSize is after how many answers of LINE a person is asked whether to go on.
const sampleSize = 100

// probe asks LINE about people nobody here is known by, a few at a time.
func (s checker) probe(ctx context.Context, r run.Run, at string) (func(context.Context) (run.Step, error), error) {
	after, _ := strconv.ParseInt(at, 10, 64)
	limit := stepItems
	if after == 0 {
		limit = sampleSize
	}
	var items []Item
	err := s.inTenant(ctx, r.Merchant, func(ctx context.Context) (err error) {
		items, err = s.c.Items.Items(ctx, r.Merchant, r.ID, []ItemResult{NotKnown}, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	users := make([]lumo.LineUserID, len(items))
	for i, item := range items {
		users[i] = item.User
	}
	reachable, err := s.c.Prober.Reachable(ctx, r.Merchant, r.Channel, users)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (run.Step, error) {
		step, err := s.probed(ctx, r, items, reachable)
		if step.Ended = len(items) < limit; !step.Ended && after == 0 && doubtfulSample(reachable) {
			step.Pause = run.WaitsSample
		}
		return step, err
	}, nil
}

func doubtfulSample(reachable []bool) bool {
	bad := 0
	for _, yes := range reachable {
		if !yes {
			bad++
		}
	}
	return bad*100 > len(reachable)*90
}

// probed stores what LINE said.
func (s checker) probed(ctx context.Context, r run.Run, items []Item, reachable []bool) (run.Step, error) {
	step := run.Step{Cursor: r.Cursor, Counts: map[string]int64{}, Done: int64(len(items))}
	if len(items) == 0 {
		return step, nil
	}
	f, err := s.foundFor(ctx, r.Merchant, r.Channel, items)
	if err != nil {
		return step, err
	}
	all, err := s.allTwins(ctx, r, items)
	if err != nil {
		return step, err
	}
	for i := range items {
		item := &items[i]
		step.Counts[string(NotKnown)]--
		step.Cursor = partProbe + ":" + strconv.FormatInt(item.N, 10)
		if item.Result = Unreachable; reachable[i] {
			item.Result = f.judge(*item)
			if others := all[string(item.Twin)]; len(others) > 1 && item.Result == WillLink {
				item.Result = ForReview
				if others[0].N < item.N {
					item.Other = others[0].Profile
				}
			}
		}
		step.Counts[string(item.Result)]++
	}
	return step, s.c.Items.SetItems(ctx, r.Merchant, r.ID, items)
}

func (s *Importer) allTwins(ctx context.Context, r run.Run, items []Item) (map[string][]Item, error) {
	keys := make([][]byte, len(items))
	for i, item := range items {
		keys[i] = item.Twin
	}
	list, err := s.c.Items.Twins(ctx, r.Merchant, r.ID, keys)
	all := map[string][]Item{}
	for _, i := range list {
		all[string(i.Twin)] = append(all[string(i.Twin)], i)
	}
	return all, err
}

// Property is a property of customers that may hold LINE ids.
type Property struct {
	Name    string
	Samples []string // shortened
	LineIDs int      // of how many of the customers looked at
	Looked  int
}

// Properties suggests which property of a segment's customers holds their LINE ids, the
// likeliest first.
func (s *Importer) Properties(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, segment string) (
	[]Property, error) {
	of, err := s.account(ctx, m, c)
	if err != nil {
		return nil, err
	}
	page, err := s.c.Segments.SegmentMembers(ctx, m, of.KlaviyoAccount, segment, "", samplePage)
	if err != nil {
		return nil, err
	}
	const samples = 3
	byName := map[string]*Property{}
	for _, p := range page.Members {
		for name, value := range p.Properties {
			user, result := lineID(value)
			if result != "" && !likely(name) || result == NoValue {
				continue
			}
			if byName[name] == nil {
				byName[name] = &Property{Name: name, Looked: len(page.Members)}
			}
			one := byName[name]
			text, _ := value.(string)
			if result == "" {
				one.LineIDs++
				text = string(user)
			}
			if len(one.Samples) < samples && text != "" {
				one.Samples = append(one.Samples, shortened(text))
			}
		}
	}
	list := make([]Property, 0, len(byName))
	for _, one := range byName {
		list = append(list, *one)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.LineIDs != b.LineIDs {
			return a.LineIDs > b.LineIDs
		}
		if la, lb := likely(a.Name), likely(b.Name); la != lb {
			return la
		}
		return a.Name < b.Name
	})
	return list, nil
}

// likely tells whether a property's name sounds like a LINE id.
func likely(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "line") && strings.Contains(name, "id")
}

// shortened shows enough of a value to know it again.
func shortened(text string) string {
	const head, tail = 4, 2
	r := []rune(strings.TrimSpace(text))
	if len(r) <= head+tail {
		return string(r[:min(len(r), 2)]) + "…"
	}
	return string(r[:head]) + "…" + string(r[len(r)-tail:])
}
