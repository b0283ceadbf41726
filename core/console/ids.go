package console

import (
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// outside reads an outside id. One that cannot be read is one that does not exist.
func outside(p id.Prefix, text string) (id.ID, error) {
	v, err := id.ParseWith(p, text)
	if err != nil {
		return id.ID{}, fault.New(fault.NotFound, "console.outside", "This does not exist.")
	}
	return v, nil
}

// Channel is the LINE account of the path.
func (in InChannel) Channel() (lumo.ChannelID, error) {
	v, err := outside(id.Channel, in.ChannelID)
	return lumo.ChannelID(v), err
}

// InFriend is the input of operations on a friend.
type InFriend struct {
	InChannel
	FriendID string `path:"friend" doc:"frd_.."`
}

// Friend is the LINE account and the friend of the path.
func (in InFriend) Friend() (lumo.ChannelID, lumo.FriendID, error) {
	c, err := in.Channel()
	if err != nil {
		return lumo.ChannelID{}, lumo.FriendID{}, err
	}
	f, err := outside(id.Friend, in.FriendID)
	return c, lumo.FriendID(f), err
}

// moment is a time as the API gives it: UTC with milliseconds, left out when there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}
