package account

import (
	"context"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	minPassword  = 10
	maxName      = 80
	maxSlug      = 40
	slugAttempts = 20
)

// CreateOwner makes a merchant and its first member.
func (s *Service) CreateOwner(ctx context.Context, shop, email, password string) (lumo.Merchant, error) {
	const op = "account.CreateOwner"
	if err := checkNew(op, email, password); err != nil {
		return lumo.Merchant{}, err
	}
	if shop = strings.TrimSpace(shop); shop == "" || len(shop) > maxName {
		return lumo.Merchant{}, fault.New(fault.Invalid, op, "Enter the shop's name, at most %d characters.", maxName)
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return lumo.Merchant{}, err
	}
	merchant := lumo.Merchant{ID: lumo.MerchantID(s.NewID()), Name: shop, Country: "JP", Currency: "JPY",
		TimeZone: "Asia/Tokyo", Language: "ja"}
	for attempt := range slugAttempts {
		merchant.Slug = slug(shop, attempt)
		err = s.createWithOwner(ctx, merchant, email, hash)
		if !fault.Is(err, fault.Conflict) {
			break
		}
	}
	return merchant, fault.Wrap(op, err)
}

func (s *Service) createWithOwner(ctx context.Context, merchant lumo.Merchant, email, hash string) error {
	return s.Units.InTenant(ctx, merchant.ID, func(ctx context.Context) error {
		if err := s.Store.CreateMerchant(ctx, merchant, s.Now()); err != nil {
			return err
		}
		return s.create(ctx, merchant.ID, email, hash, lumo.Owner)
	})
}

// CreateMember adds a member to a merchant.
func (s *Service) CreateMember(ctx context.Context, m lumo.MerchantID, email, password string, role lumo.Role) error {
	const op = "account.CreateMember"
	if err := checkNew(op, email, password); err != nil {
		return err
	}
	if rank(role) == 0 {
		return fault.New(fault.Invalid, op, "The role is one of owner, admin, marketer, viewer.")
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error { return s.create(ctx, m, email, hash, role) })
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Op: op, Message: "This email is a member already.", Err: err}
	}
	return fault.Wrap(op, err)
}

func (s *Service) create(ctx context.Context, m lumo.MerchantID, email, hash string, role lumo.Role) error {
	email = NormalEmail(email)
	name, _, _ := strings.Cut(email, "@")
	member := Member{Merchant: m, ID: lumo.MemberID(s.NewID()), Email: email, Name: name, Role: role, Language: "ja"}
	if err := s.Members.CreateMember(ctx, member, hash, s.Now()); err != nil {
		return err
	}
	return s.Audit(ctx, lumo.AuditEntry{ActorKind: "system", Action: "member.create", TargetKind: "member",
		Target: member.ID.String(), Data: map[string]any{"role": string(role)}})
}

func checkNew(op, email, password string) error {
	at := strings.IndexByte(email, '@')
	if at < 1 || at == len(email)-1 {
		return fault.New(fault.Invalid, op, "Enter an email address.")
	}
	if len(password) < minPassword || len(password) > maxPassword {
		return fault.New(fault.Invalid, op, "A password has at least %d characters.", minPassword)
	}
	return nil
}

// Settings are what the first run and the settings page change of a merchant; empty fields
// stay as they are, a country also sets what follows from it.
type Settings struct {
	Name, Country, Currency, TimeZone, Language string
}

// Update changes a merchant and ends its first run.
func (s *Service) Update(ctx context.Context, who Membership, address string, c Settings) (merchant lumo.Merchant, err error) {
	const op = "account.Update"
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		if merchant, err = s.Store.Merchant(ctx, who.Merchant); err != nil {
			return err
		}
		if merchant, err = c.apply(op, merchant); err != nil {
			return err
		}
		if err := s.Store.UpdateMerchant(ctx, merchant, s.Now()); err != nil {
			return err
		}
		return s.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(who.Member), Address: address,
			Action: "merchant.update", TargetKind: "merchant", Target: who.Merchant.String(),
			Data: map[string]any{"country": merchant.Country, "time_zone": merchant.TimeZone}})
	})
	return merchant, fault.Wrap(op, err)
}

func (c Settings) apply(op string, m lumo.Merchant) (lumo.Merchant, error) {
	fields := map[string]string{}
	if c.Country != "" {
		country, ok := countryOf(c.Country)
		if !ok {
			fields["country"] = "Choose a country from the list."
		}
		m.Country, m.Currency, m.TimeZone = c.Country, country.Currency, country.TimeZone
	}
	if name := strings.TrimSpace(c.Name); name != "" {
		m.Name = name
	}
	if len(m.Name) > maxName {
		fields["name"] = "The name is too long."
	}
	if c.Currency != "" {
		m.Currency = c.Currency
	}
	if !currencyCode(m.Currency) {
		fields["currency"] = "A currency is three letters, as JPY."
	}
	if c.TimeZone != "" {
		m.TimeZone = c.TimeZone
	}
	if _, err := time.LoadLocation(m.TimeZone); err != nil || m.TimeZone == "" {
		fields["time_zone"] = "This time zone is not known."
	}
	if c.Language != "" {
		m.Language = c.Language
	}
	if !knownLanguage(m.Language) {
		fields["language"] = "Choose a language from the list."
	}
	if len(fields) > 0 {
		return m, &fault.Error{Kind: fault.Invalid, Op: op, Message: "Some fields need another value.", Fields: fields}
	}
	m.SetUp = true
	return m, nil
}

func knownLanguage(language string) bool {
	switch language {
	case "en", "ja", "zh-TW", "th":
		return true
	}
	return false
}

// SetLanguage changes a member's own language.
func (s *Service) SetLanguage(ctx context.Context, who Membership, address, language string) error {
	const op = "account.SetLanguage"
	if language != "en" && language != "ja" {
		return fault.New(fault.Invalid, op, "The console speaks English and Japanese.")
	}
	err := s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		if err := s.Members.SetLanguage(ctx, who, language, s.Now()); err != nil {
			return err
		}
		return s.Audit(ctx, who.entry("member.language", address, map[string]any{"language": language}))
	})
	return fault.Wrap(op, err)
}

// HideSteps hides the first steps from a member's Home, or shows them again.
func (s *Service) HideSteps(ctx context.Context, who Membership, address string, hide bool) error {
	var at time.Time
	if hide {
		at = s.Now()
	}
	err := s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		if err := s.Members.HideSteps(ctx, who, at, s.Now()); err != nil {
			return err
		}
		return s.Audit(ctx, who.entry("member.steps", address, map[string]any{"hidden": hide}))
	})
	return fault.Wrap("account.HideSteps", err)
}

// entry is a line of the audit log about what a member did to herself.
func (m Membership) entry(action, address string, data map[string]any) lumo.AuditEntry {
	return lumo.AuditEntry{ActorKind: "member", Actor: id.ID(m.Member), Address: address, Action: action,
		TargetKind: "member", Target: m.Member.String(), Data: data}
}

// slug is a merchant's part of console addresses, made of its name; the words that our
// own addresses begin with are never one.
func slug(name string, attempt int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := strings.Trim(b.String(), "-")
	if len(base) > maxSlug-4 {
		base = strings.Trim(base[:maxSlug-4], "-")
	}
	if len(base) < 3 || reserved(base) {
		base = strings.Trim("shop-"+base, "-")
	}
	if attempt == 0 {
		return base
	}
	return base + "-" + string(rune('a'+attempt))
}

func reserved(slug string) bool {
	switch slug {
	case "api", "assets", "edge", "invite", "me", "ops", "setup", "sign-in", "oauth":
		return true
	}
	return false
}

// Merchant reads a merchant, for whoever needs its name, language or time zone.
func (s *Service) Merchant(ctx context.Context, m lumo.MerchantID) (merchant lumo.Merchant, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		merchant, err = s.Store.Merchant(ctx, m)
		return err
	})
	return merchant, fault.Wrap("account.Merchant", err)
}
