package channel

import (
	"context"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// findTimeout is how long a search waits for Klaviyo, which is asked only when nobody here is
// known by an email or a phone.
const findTimeout = 3 * time.Second

// Search finds friends by whatever the text may be: LINE user id, Klaviyo profile id, our own
// id, email, phone in any notation, else a part of the name. Digits that are nobody's phone may
// stand in a name.
func (p *People) Search(ctx context.Context, m lumo.MerchantID, q FriendQuery, text string) (FriendList, error) {
	_, list, err := p.search(ctx, m, q, text)
	return list, fault.Wrap("channel.Search", err)
}

// CountFound counts all that Search would find, page by page.
func (p *People) CountFound(ctx context.Context, m lumo.MerchantID, q FriendQuery, text string) (int64, error) {
	const op = "channel.CountFound"
	q.PageQuery = PageQuery{Limit: 1}
	q, _, err := p.search(ctx, m, q, text)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	n, err := p.Count(ctx, m, q)
	return n, fault.Wrap(op, err)
}

// search finds friends and tells by what.
func (p *People) search(ctx context.Context, m lumo.MerchantID, q FriendQuery, text string) (FriendQuery, FriendList, error) {
	q, ask, err := p.read(ctx, m, q, text)
	if err != nil {
		return q, FriendList{}, err
	}
	list, err := p.Friends(ctx, m, q)
	if err != nil || len(list.Items) > 0 || !ask {
		return q, list, err
	}
	at := q
	if at.Profile, err = p.atKlaviyo(ctx, m, q); err != nil {
		return q, list, err
	}
	if at.Email, at.Phone = "", ""; at.Profile != "" {
		list, err = p.Friends(ctx, m, at)
		if err != nil || len(list.Items) > 0 || q.Phone == "" {
			return at, list, err
		}
	}
	if q.Phone == "" {
		return q, list, nil
	}
	at.Profile, at.Name = "", strings.TrimSpace(text)
	list, err = p.Friends(ctx, m, at)
	return at, list, err
}

// read decides what a search text means; ask tells that Klaviyo may know better.
func (p *People) read(ctx context.Context, m lumo.MerchantID, q FriendQuery, text string) (
	out FriendQuery, ask bool, err error) {
	text = strings.TrimSpace(text)
	if own, err := id.ParseWith(id.Friend, text); err == nil {
		q.Friend = lumo.FriendID(own)
		return q, false, nil
	}
	switch user := lumo.LineUserID(strings.ToUpper(text[:min(1, len(text))]) + strings.ToLower(text[min(1, len(text)):])); {
	case text == "":
		return q, false, nil
	case user.Valid():
		q.Line = user
		return q, false, nil
	case profileID(text):
		q.Profile = lumo.ProfileID(text)
		return q, false, nil
	case Email(text) != "":
		q.Email = Email(text)
		return q, true, nil
	case !strings.ContainsAny(text, "0123456789０１２３４５６７８９"):
		q.Name = text
		return q, false, nil
	}
	merchant, err := p.c.Merchants.Merchant(ctx, m)
	if err != nil {
		return q, false, err
	}
	if q.Phone = Phone(text, merchant.Country); q.Phone != "" {
		return q, true, nil
	}
	q.Name = text
	return q, false, nil
}

// atKlaviyo finds the customer with the email or phone. Klaviyo not answering is no failure:
// then only what is known here is found.
func (p *People) atKlaviyo(ctx context.Context, m lumo.MerchantID, q FriendQuery) (lumo.ProfileID, error) {
	c, err := p.c.Directory.Get(ctx, m, q.Channel)
	if err != nil || c.KlaviyoAccount == (lumo.AccountID{}) {
		return "", err
	}
	limited, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	var found lumo.Profile
	if q.Email != "" {
		found, err = p.c.Customers.ProfileByEmail(limited, m, c.KlaviyoAccount, q.Email)
	} else {
		found, err = p.c.Customers.ProfileByPhone(limited, m, c.KlaviyoAccount, q.Phone)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		p.c.Log.WarnContext(ctx, "customer not looked up", "error", err, "merchant", m.String())
	}
	return found.ID, nil
}

// FoundCustomer is a customer of Klaviyo, with the friend who is linked to them.
type FoundCustomer struct {
	lumo.Profile
	Friend *FriendItem // nil = nobody on this channel
}

// FindCustomer finds the customer who has exactly this email, phone or profile id.
func (p *People) FindCustomer(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, text string) (
	out FoundCustomer, err error) {
	const op = "channel.FindCustomer"
	of, err := p.c.Directory.Get(ctx, m, c)
	if err == nil && of.KlaviyoAccount == (lumo.AccountID{}) {
		err = fault.New(fault.Conflict, op, "Connect Klaviyo first.")
	}
	if err != nil {
		return out, fault.Wrap(op, err)
	}
	limited, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	out.Profile, err = p.customer(limited, m, of.KlaviyoAccount, text)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, op, "Klaviyo has no customer with exactly this email, phone or profile ID.")
	}
	if err != nil {
		return out, fault.Wrap(op, err)
	}
	linked, err := p.Friends(ctx, m, FriendQuery{Channel: c, Profile: out.ID, PageQuery: PageQuery{Limit: 1}})
	if err == nil && len(linked.Items) > 0 {
		out.Friend = &linked.Items[0]
	}
	return out, fault.Wrap(op, err)
}

func (p *People) customer(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, text string) (
	lumo.Profile, error) {
	const op = "channel.customer"
	q, _, err := p.read(ctx, m, FriendQuery{}, text)
	switch {
	case err != nil:
		return lumo.Profile{}, err
	case q.Email != "":
		return p.c.Customers.ProfileByEmail(ctx, m, a, q.Email)
	case q.Phone != "":
		return p.c.Customers.ProfileByPhone(ctx, m, a, q.Phone)
	case q.Profile != "":
		return p.c.Customers.Profile(ctx, m, a, q.Profile)
	}
	return lumo.Profile{}, &fault.Error{Kind: fault.Invalid, Op: op,
		Fields: map[string]string{"text": "Type a whole email, phone number or Klaviyo profile ID."}}
}

// Email is a normalised email, or empty when the text is none.
func Email(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	name, host, ok := strings.Cut(text, "@")
	if !ok || name == "" || len(text) > 254 || strings.ContainsAny(text, " \t\r\n\"\\<>,;\x00") ||
		strings.Contains(host, "@") || !strings.Contains(strings.Trim(host, "."), ".") {
		return ""
	}
	return text
}

// Phone is a phone number in E.164, or empty when the text is none. Numbers without a country
// are read as the merchant's country dials them.
func Phone(text, country string) string {
	text = strings.TrimSpace(text)
	if strings.Trim(text, "0123456789０１２３４５６７８９+＋-－‐−ー–() （）./\t　") != "" {
		return ""
	}
	n, err := phonenumbers.Parse(text, country)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

// Masked hides most of an email or a phone.
func Masked(c OwnContact) string {
	if c.Kind == ContactEmail {
		return c.Value[:1] + "***@…"
	}
	return c.Value[:min(3, len(c.Value))] + "…" + c.Value[max(0, len(c.Value)-2):]
}
