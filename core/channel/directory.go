package channel

import (
	"context"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Directory answers which channels and friends there are, for all capabilities. Each method
// joins the transaction it is called in, or runs one of its own.
type Directory struct {
	tenants Tenants
	systems Systems
	store   DirectoryStore
	numbers Numbers
}

// Systems runs a unit of work over the global tables.
type Systems interface {
	InSystem(ctx context.Context, fn func(context.Context) error) error
}

// NewDirectory makes a directory.
func NewDirectory(t Tenants, s Systems, store DirectoryStore, n Numbers) *Directory {
	return &Directory{tenants: t, systems: s, store: store, numbers: n}
}

// Get is one channel as other capabilities know it.
func (d *Directory) Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	lumo.Channel, error) {
	full, err := d.Channel(ctx, m, c)
	return full.Channel, err
}

// Channel is one channel with all that its screens show.
func (d *Directory) Channel(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	Channel, error) {
	return read(ctx, d, m, "channel.Channel", func(ctx context.Context) (Channel, error) {
		return d.store.Channel(ctx, m, c)
	})
}

// Channels are all channels of a merchant, oldest first.
func (d *Directory) Channels(ctx context.Context, m lumo.MerchantID) ([]Channel, error) {
	return read(ctx, d, m, "channel.Channels", func(ctx context.Context) ([]Channel, error) {
		return d.store.Channels(ctx, m)
	})
}

// Counts are how many people follow an account, and how many of its friends are linked.
func (d *Directory) Counts(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	following, linked int64, err error) {
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		following, linked, err = d.store.Counts(ctx, m, c)
		return err
	})
	return following, linked, fault.Wrap("channel.Counts", err)
}

// Keys are the channel's credentials at LINE.
func (d *Directory) Keys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Keys, error) {
	return read(ctx, d, m, "channel.Keys", func(ctx context.Context) (Keys, error) {
		return d.store.Keys(ctx, m, c)
	})
}

// MessagingCredentials are the id and secret of the Messaging API channel.
func (d *Directory) MessagingCredentials(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	channelID, secret string, err error) {
	k, err := d.Keys(ctx, m, c)
	return k.Messaging.ID, k.Messaging.Secret, err
}

// LoginCredentials are the id and secret of the LINE Login channel.
func (d *Directory) LoginCredentials(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	channelID, secret string, err error) {
	k, err := d.Keys(ctx, m, c)
	return k.Login.ID, k.Login.Secret, err
}

// StateKey is the key that sealed a login state; an ended key is fault.NotFound.
func (d *Directory) StateKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, number uint16) (
	[]byte, error) {
	if number == 0 {
		return nil, fault.New(fault.NotFound, "channel.StateKey", "Keys count from 1.")
	}
	k, err := d.edgeKey(ctx, m, c, StateKey, number)
	return k.Secret, err
}

// LinkKey is the newest key for tracked links and beacons.
func (d *Directory) LinkKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	number uint16, key []byte, err error) {
	k, err := d.edgeKey(ctx, m, c, LinkMAC, 0)
	return k.Number, k.Secret, err
}

func (d *Directory) edgeKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	kind EdgeKeyKind, number uint16) (EdgeKey, error) {
	return read(ctx, d, m, "channel.EdgeKey", func(ctx context.Context) (EdgeKey, error) {
		return d.store.EdgeKey(ctx, m, c, kind, number)
	})
}

// ByNumber finds the channel that a number in a token or a state names.
func (d *Directory) ByNumber(ctx context.Context, number uint32) (
	m lumo.MerchantID, c lumo.ChannelID, err error) {
	err = d.systems.InSystem(ctx, func(ctx context.Context) error {
		m, c, err = d.numbers.ByNumber(ctx, number)
		return err
	})
	return m, c, fault.Wrap("channel.ByNumber", err)
}

// Friend is one friend.
func (d *Directory) Friend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (
	lumo.Friend, error) {
	return read(ctx, d, m, "channel.Friend", func(ctx context.Context) (lumo.Friend, error) {
		return d.store.Friend(ctx, m, f)
	})
}

// FriendsByID are those of the ids that exist.
func (d *Directory) FriendsByID(ctx context.Context, m lumo.MerchantID, ids []lumo.FriendID) (
	map[lumo.FriendID]lumo.Friend, error) {
	return read(ctx, d, m, "channel.FriendsByID", func(ctx context.Context) (map[lumo.FriendID]lumo.Friend, error) {
		return d.store.FriendsByID(ctx, m, ids)
	})
}

// read runs a look-up in the merchant's transaction.
func read[T any](ctx context.Context, d *Directory, m lumo.MerchantID, op string,
	look func(context.Context) (T, error)) (found T, err error) {
	err = d.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		found, err = look(ctx)
		return err
	})
	return found, fault.Wrap(op, err)
}
