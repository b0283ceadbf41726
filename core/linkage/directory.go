package linkage

import (
	"context"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Directory answers who is linked to whom, for all capabilities. Each method joins the
// transaction it is called in, or runs one of its own.
type Directory struct {
	tenants Tenants
	links   LinkReader
	friends FriendReader
}

// FriendReader reads friends.
type FriendReader interface {
	Friend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Friend, error)
	FriendsByID(ctx context.Context, m lumo.MerchantID, ids []lumo.FriendID) (map[lumo.FriendID]lumo.Friend, error)
}

// NewDirectory makes a directory.
func NewDirectory(t Tenants, l LinkReader, f FriendReader) *Directory {
	return &Directory{tenants: t, links: l, friends: f}
}

// ByProfile is the link of a Klaviyo profile on a channel, and its friend.
func (d *Directory) ByProfile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.ProfileID) (
	l lumo.Link, f lumo.Friend, err error) {
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if l, err = d.links.ByProfile(ctx, m, c, p); err != nil {
			return err
		}
		f, err = d.friends.Friend(ctx, m, l.Friend)
		return err
	})
	return l, f, fault.Wrap("linkage.ByProfile", err)
}

// ByProfiles are the friends whom Klaviyo profiles are linked to on a channel.
func (d *Directory) ByProfiles(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []lumo.ProfileID) (
	found map[lumo.ProfileID]lumo.Friend, err error) {
	found = map[lumo.ProfileID]lumo.Friend{}
	if len(all) == 0 {
		return found, nil
	}
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		links, err := d.links.ByProfiles(ctx, m, c, all)
		if err != nil || len(links) == 0 {
			return err
		}
		ids := make([]lumo.FriendID, len(links))
		for i, l := range links {
			ids[i] = l.Friend
		}
		friends, err := d.friends.FriendsByID(ctx, m, ids)
		for _, l := range links {
			if f, ok := friends[l.Friend]; ok {
				found[l.Profile] = f
			}
		}
		return err
	})
	return found, fault.Wrap("linkage.ByProfiles", err)
}

// ByFriend is the link of a friend.
func (d *Directory) ByFriend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (
	l lumo.Link, err error) {
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		l, err = d.links.ByFriend(ctx, m, f)
		return err
	})
	return l, fault.Wrap("linkage.ByFriend", err)
}

// ByLineUser are the merchant's friends with a LINE user id, on all its channels.
func (d *Directory) ByLineUser(ctx context.Context, m lumo.MerchantID, u lumo.LineUserID) (
	found []lumo.Friend, err error) {
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		found = nil
		ids, err := d.links.ByLineUser(ctx, m, u)
		for _, one := range ids {
			f, err := d.friends.Friend(ctx, m, one)
			if err != nil {
				return err
			}
			found = append(found, f)
		}
		return err
	})
	return found, fault.Wrap("linkage.ByLineUser", err)
}

// KnownProfile tells whether any channel of the merchant has a link to the profile.
func (d *Directory) KnownProfile(ctx context.Context, m lumo.MerchantID, p lumo.ProfileID) (
	known bool, err error) {
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		known, err = d.links.KnownProfile(ctx, m, p)
		return err
	})
	return known, fault.Wrap("linkage.KnownProfile", err)
}
