package linetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Channel is one LINE Official Account with its Messaging API channel and the LINE Login
// channel that is linked to it, as LINE's consoles show them.
type Channel struct {
	Provider   string `json:"provider"`
	Name       string `json:"name"`
	BasicID    string `json:"basic_id"` // with @
	BotUserID  string `json:"bot_user_id"`
	PictureURL string `json:"picture_url,omitempty"`
	Verified   bool   `json:"verified"` // a verified account may read its follower list
	ChatMode   string `json:"chat_mode"`
	Quota      *int64 `json:"quota"` // messages a month, nil = no limit

	MessagingID     string `json:"messaging_channel_id"`
	MessagingSecret string `json:"messaging_channel_secret"`
	Endpoint        string `json:"webhook_endpoint"`
	UseWebhook      bool   `json:"use_webhook"`
	Redelivery      bool   `json:"webhook_redelivery"`

	LoginID       string   `json:"login_channel_id"`
	LoginSecret   string   `json:"login_channel_secret"`
	LoginProvider string   `json:"login_provider"` // differs = the classic trap: other user ids
	Callbacks     []string `json:"callbacks"`      // empty = any on this machine, unless strict
	Developing    bool     `json:"developing"`     // not published: nobody can sign in
	Unlinked      bool     `json:"unlinked"`       // the login channel is not linked to the account
	Email         bool     `json:"email"`          // the email permission was granted
}

// Person is somebody with a phone.
type Person struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Language   string `json:"language"`
	PictureURL string `json:"picture_url,omitempty"`
	StatusText string `json:"status_message,omitempty"`
	Email      string `json:"email,omitempty"`
	Deleted    bool   `json:"deleted"` // the LINE account was deleted
	Offline    bool   `json:"offline"` // the phone is off: nothing is loaded, messages wait
}

// FriendState says how a person and an account stand.
type FriendState string

// The states. None is also "never met".
const (
	None    FriendState = "none"
	Friend  FriendState = "friend"
	Blocked FriendState = "blocked"
)

// Friendship is a person's relation to one account.
type Friendship struct {
	State      FriendState `json:"state"`
	Since      time.Time   `json:"since,omitzero"`
	WroteAt    time.Time   `json:"wrote_at,omitzero"` // then a non-friend is reachable for 7 days
	WasBlocked bool        `json:"was_blocked"`
}

// Message is one entry of a chat on a person's phone.
type Message struct {
	ID       string          `json:"id"`
	At       time.Time       `json:"at"`
	Channel  string          `json:"channel"` // messaging channel id
	Account  Account         `json:"account"`
	From     string          `json:"from"`    // account or person
	Message  json.RawMessage `json:"message"` // exactly as received
	Silent   bool            `json:"notification_disabled"`
	Request  string          `json:"request_id,omitempty"`
	Seq      int             `json:"seq,omitempty"`  // which message of the request, from 1
	Unit     string          `json:"unit,omitempty"` // the statistics unit it was sent under
	ViewedAt *time.Time      `json:"viewed_at,omitempty"`
}

// Account is how a chat shows an Official Account.
type Account struct {
	Name       string `json:"name"`
	BasicID    string `json:"basic_id"`
	PictureURL string `json:"picture_url,omitempty"`
}

// Results of a sending request.
const (
	Accepted  = "accepted"
	Repeated  = "duplicate" // the retry key had been accepted before
	Rejected  = "refused"
	OverRate  = "rate_limited"
	OverQuota = "quota"
)

// Sent is one sending request of the ledger.
type Sent struct {
	Seq       int64           `json:"seq"`
	At        time.Time       `json:"at"`
	Channel   string          `json:"channel"`
	API       string          `json:"api"` // push, reply, multicast, broadcast, narrowcast
	RequestID string          `json:"request_id"`
	RetryKey  string          `json:"retry_key,omitempty"`
	To        []string        `json:"to"`
	Body      json.RawMessage `json:"body"`
	BodyHash  string          `json:"body_sha256"`
	Status    int             `json:"status"`
	Result    string          `json:"result"`
	Accepted  string          `json:"accepted_request_id,omitempty"` // of the first one, when repeated
	Delivered []string        `json:"delivered"`                     // user ids whose phones got it
	Notes     []string        `json:"notes,omitempty"`
}

// UserID is the id that a provider's channels know a person by.
func UserID(provider, person string) string {
	sum := sha256.Sum256([]byte("line user\x00" + provider + "\x00" + person))
	return "U" + hex.EncodeToString(sum[:16])
}

// account is how the channel looks in a chat.
func (c *Channel) account() Account {
	return Account{Name: c.Name, BasicID: c.BasicID, PictureURL: c.PictureURL}
}

// loginProvider is the provider of the login channel.
func (c *Channel) loginProvider() string {
	if c.LoginProvider == "" {
		return c.Provider
	}
	return c.LoginProvider
}
