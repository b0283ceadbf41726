package outbox

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"lumo/core/lumo"
)

var errMissing = errors.New("a dependency is missing")

// Metrics names the eight metrics, by the kind of fact that each tells of. LINE gives no
// receipt per person, so there is no "Delivered".
func Metrics() map[lumo.FactKind]string {
	return map[lumo.FactKind]string{
		lumo.FactSent:     "Sent LINE Message",
		lumo.FactFailed:   "Failed LINE Message",
		lumo.FactOpened:   "Opened LINE Message",
		lumo.FactClicked:  "Clicked LINE Message",
		lumo.FactFollowed: "Followed LINE Account",
		lumo.FactBlocked:  "Blocked LINE Account",
		lumo.FactScanned:  "Scanned LINE QR Code",
		lumo.FactLinked:   "Linked LINE Identity",
	}
}

// labels are the properties of events by the key in a fact's data. Other keys stay here.
func labels() map[string]string {
	return map[string]string{
		"message_name": "Message",
		"message":      "Message ID",
		"flow":         "Flow ID",
		"delivery":     "Delivery",
		"url":          "Link URL",
		"link":         "Link Number",
		"first":        "First Click",
		"inferred":     "Estimated",
		"code":         "QR Code",
		"reason":       "Reason",
		"unblocked":    "Came Back",
	}
}

// eventItem is what Klaviyo gets to know of a fact.
func eventItem(t Target, f lumo.Fact, metric string) NewItem {
	return NewItem{
		Account:    t.Link.Account,
		Channel:    t.Channel.ID,
		Friend:     t.Friend.ID,
		Kind:       KindEvent,
		Metric:     metric,
		UniqueID:   uniqueID(t, f),
		Profile:    t.Link.Profile,
		Payload:    Payload{Set: eventProperties(t, f), Backfill: imported(t, f)},
		OccurredAt: f.OccurredAt,
	}
}

// imported tells of a link that was read from what another tool once wrote: it starts no
// flows, however fresh it is here.
func imported(t Target, f lumo.Fact) bool {
	return f.Kind == lumo.FactLinked && t.Link.Method == "import"
}

// uniqueID is <channel>:<kind>:<ref>. A link says by itself which version of it this is.
func uniqueID(t Target, f lumo.Fact) string {
	ref := f.Ref
	if f.Kind == lumo.FactLinked {
		ref = t.Link.ID.String() + "-" + strconv.Itoa(t.Link.Version)
	}
	return t.Channel.ID.String() + ":" + string(f.Kind) + ":" + ref
}

func eventProperties(t Target, f lumo.Fact) map[string]any {
	out := map[string]any{
		"LINE Account":    t.Channel.Name,
		"LINE Account ID": t.Channel.BasicID,
	}
	if f.Kind == lumo.FactLinked { // whoever tells of a link, it reads the same
		out["Method"] = t.Link.Method
		out["Assurance"] = string(t.Link.Assurance)
		return out
	}
	for key, label := range labels() {
		if v, ok := f.Data[key]; ok {
			out[label] = v
		}
	}
	return out
}

// profileItem writes all LINE properties of a friend: as they are, or none once unlinked.
func profileItem(t Target, linked bool, now time.Time) NewItem {
	payload := Payload{Unset: PropertyNames(t.Channel.PropertyNumber)}
	if linked {
		payload = properties(t)
	}
	return NewItem{
		Account: t.Link.Account,
		Channel: t.Channel.ID,
		Friend:  t.Friend.ID,
		Kind:    KindProfile,
		UniqueID: t.Channel.ID.String() + ":profile:" + t.Friend.ID.String() + ":" +
			string(t.Link.Profile),
		Profile:    t.Link.Profile,
		Payload:    payload,
		OccurredAt: now,
	}
}

// erasedItem is what Klaviyo keeps of an erased person.
func erasedItem(c lumo.Channel, l lumo.Link, now time.Time) NewItem {
	item := profileItem(Target{Friend: lumo.Friend{ID: l.Friend}, Channel: c, Link: l}, false, now)
	names := item.Payload.Unset
	item.Payload = Payload{Unset: names[:3:3], Set: map[string]any{
		names[3]: string(lumo.ConsentWithdrawn),
		names[4]: now.UTC().Format(time.RFC3339),
		names[5]: "erased",
	}}
	return item
}

// PropertyNames are the six properties of a channel in Klaviyo, in a fixed order; the first
// channel of a Klaviyo account has no number.
func PropertyNames(number int) []string {
	suffix := ""
	if number > 1 {
		suffix = " " + strconv.Itoa(number)
	}
	names := []string{"LINE User ID", "LINE Display Name", "LINE Follow Status", "LINE Consent",
		"LINE Consent Updated At", "LINE Consent Source"}
	for i := range names {
		names[i] += suffix
	}
	return names
}

// properties are what Klaviyo shows of a friend; what is not known is removed there.
func properties(t Target) Payload {
	names := PropertyNames(t.Channel.PropertyNumber)
	values := []string{string(t.Friend.Line), t.Friend.DisplayName, string(t.Friend.FollowStatus),
		string(cmp.Or(t.Friend.Consent, lumo.ConsentUnknown)), "", t.ConsentSource}
	if !t.ConsentAt.IsZero() {
		values[4] = t.ConsentAt.UTC().Format(time.RFC3339)
	}
	p := Payload{Set: map[string]any{}}
	for i, name := range names {
		if values[i] == "" {
			p.Unset = append(p.Unset, name)
			continue
		}
		p.Set[name] = values[i]
	}
	return p
}
