package message

import (
	"context"
	"strconv"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Shown is a message as one person would see it.
type Shown struct {
	Messages string // JSON array, as LINE would get it but for tracking
	Gaps     []Gap
	Values   map[string]string // of the variables that have one
	Tracked  []Tracked
	Begin    string // how tracked addresses begin; empty = with the edges' address
}

// PreviewFor renders a draft as a friend would see it; the zero friend = without any values.
// version is the one that it would be published as. Nothing is stored and nothing counts.
func (s *Service) PreviewFor(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID, d Draft,
	version int) (shown Shown, err error) {
	const op = "message.PreviewFor"
	var channel lumo.Channel
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		channel, err = s.c.Channels.Get(ctx, m, c)
		return err
	})
	if err != nil {
		return Shown{}, fault.Wrap(op, err)
	}
	values := map[string]string{}
	if f != (lumo.FriendID{}) {
		if values, err = s.ValuesOf(ctx, m, c, f, d.Body); err != nil {
			return Shown{}, fault.Wrap(op, err)
		}
	}
	utm := utmQuery(over(d.Body.UTM, channel.UTM), utmValues(channel.Name, d.Name, version))
	shown, err = preview(d.Body, values, setting{edgeURL: s.c.EdgeURL, ownURL: channel.LinkHost.URL, utm: utm})
	if err != nil {
		return Shown{}, fault.New(fault.Invalid, op, "The message cannot be shown before its JSON is right.")
	}
	if channel.LinkHost.Used {
		shown.Begin = channel.LinkHost.URL + linkPath
	}
	return shown, nil
}

// ValuesOf are what a friend's Klaviyo profile holds for the variables of a body. Who is not
// linked, or cannot be looked up now, has none: the preview goes on with fallbacks.
func (s *Service) ValuesOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID, b Body) (
	map[string]string, error) {
	values := map[string]string{}
	profile, err := s.ProfileOf(ctx, m, c, f)
	if err != nil {
		return values, err
	}
	for _, v := range b.variables() {
		if value := profileValue(profile, v.Name); value != "" {
			values[v.Name] = value
		}
	}
	return values, nil
}

// ProfileOf is a friend's Klaviyo profile; an empty one for who is not linked, or while
// Klaviyo does not answer.
func (s *Service) ProfileOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (lumo.Profile, error) {
	const op = "message.ProfileOf"
	friend, err := s.c.Channels.Friend(ctx, m, f)
	if err == nil && friend.Channel != c {
		err = fault.New(fault.NotFound, op, "This friend does not exist.")
	}
	if err != nil {
		return lumo.Profile{}, fault.Wrap(op, err)
	}
	var link lumo.Link
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		link, err = s.c.People.ByFriend(ctx, m, f)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return lumo.Profile{}, nil
	}
	if err != nil {
		return lumo.Profile{}, fault.Wrap(op, err)
	}
	profile, err := s.c.Profiles.Profile(ctx, m, link.Account, link.Profile)
	if err != nil {
		return lumo.Profile{}, nil
	}
	return profile, nil
}

// profileValue is what Klaviyo would put in for a variable that is about the person.
func profileValue(p lumo.Profile, name string) string {
	switch name {
	case "first_name":
		return p.FirstName
	case "last_name":
		return p.LastName
	case "email":
		return p.Email
	case "phone_number":
		return p.Phone
	}
	property, ok := strings.CutPrefix(name, "person.")
	if !ok {
		return ""
	}
	return valueText(p.Properties[property])
}

// valueText writes a value of Klaviyo's as a message shows it: a list with commas. What has
// parts of its own is no text.
func valueText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var parts []string
		for _, one := range v {
			if text := valueText(one); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, ", ")
	}
	return ""
}
