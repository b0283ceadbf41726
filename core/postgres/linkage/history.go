package linkage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// AddHistory writes one step of a link's life.
func (s *Store) AddHistory(ctx context.Context, m lumo.MerchantID, h linkage.History) error {
	const op = "postgres.AddHistory"
	if h.Data == nil {
		h.Data = map[string]any{}
	}
	data, err := json.Marshal(h.Data)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO link_history (merchant_id, id, link_id, step, actor_kind, actor_id, data, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		m, h.ID, h.Link, h.Step, h.ActorKind, orNull(h.Actor), data, h.Now)
	return postgres.Fault(op, err)
}

func scanHistory(r pgx.CollectableRow) (h linkage.HistoryLine, undoes string, err error) {
	var actor *lumo.MemberID
	var data []byte
	err = r.Scan(&h.ID, &h.Link, &h.Channel, &h.Friend, &h.Profile, &h.Step, &h.ActorKind, &actor, &h.ActorName, &data, &h.At)
	if err != nil {
		return h, "", err
	}
	h.Actor = value(actor)
	err = json.Unmarshal(data, &h.Data)
	undoes, _ = h.Data["undoes"].(string)
	return h, undoes, err
}

const historyColumns = `
SELECT h.id, h.link_id, l.channel_id, l.friend_id, l.profile_id, h.step, h.actor_kind, h.actor_id,
       coalesce(a.name, ''), h.data, h.created_at
  FROM link_history h
  JOIN identity_link l ON l.merchant_id = h.merchant_id AND l.id = h.link_id
  LEFT JOIN member a ON a.merchant_id = h.merchant_id AND a.id = h.actor_id`

// Histories are the steps of all links of a friend, newest first. A step counts as undone
// when a later one names it, or the conflict that it decided: rows themselves never change.
func (s *Store) Histories(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, limit int) (
	[]linkage.HistoryLine, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, historyColumns+`
 WHERE h.merchant_id = $1 AND l.friend_id = $2
 ORDER BY h.created_at DESC, h.id DESC
 LIMIT $3`, m, f, limit)
	undone := map[string]bool{}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (linkage.HistoryLine, error) {
		h, undoes, err := scanHistory(r)
		if undoes != "" {
			undone[undoes] = true
			return h, err
		}
		conflict, _ := h.Data["conflict"].(string)
		h.Undone = undone[h.ID.With(id.Event)] || h.Step == "resolved" && undone[conflict]
		if h.Step == "resolved" {
			delete(undone, conflict) // an earlier decision of the same conflict was undone by itself
		}
		return h, err
	})
	return list, postgres.Fault("postgres.Histories", err)
}

// HistoryStep reads one step, among those of its friend.
func (s *Store) HistoryStep(ctx context.Context, m lumo.MerchantID, v id.ID) (linkage.HistoryLine, error) {
	const op, most = "postgres.HistoryStep", 1000
	var friend lumo.FriendID
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT l.friend_id
  FROM link_history h
  JOIN identity_link l ON l.merchant_id = h.merchant_id AND l.id = h.link_id
 WHERE h.merchant_id = $1 AND h.id = $2`, m, v).Scan(&friend)
	if err != nil {
		return linkage.HistoryLine{}, found("This step does not exist.", op, err)
	}
	list, err := s.Histories(ctx, m, friend, most)
	for _, h := range list {
		if h.ID == v {
			return h, nil
		}
	}
	if err == nil {
		err = found("This step does not exist.", op, pgx.ErrNoRows)
	}
	return linkage.HistoryLine{}, err
}

// Link reads a link, standing or ended.
func (s *Store) Link(ctx context.Context, m lumo.MerchantID, v lumo.LinkID) (l lumo.Link, stands bool, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance, version, linked_at,
       state = 'linked'
  FROM identity_link
 WHERE merchant_id = $1 AND id = $2`, m, v).Scan(&l.ID, &l.Channel, &l.Friend, &l.Account, &l.Profile,
		&l.Method, &l.Assurance, &l.Version, &l.LinkedAt, &stands)
	return l, stands, found("This link does not exist.", "postgres.Link", err)
}

const returningLink = `
RETURNING id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance, version, linked_at`

// Restore lets a link that ended stand again.
func (s *Store) Restore(ctx context.Context, m lumo.MerchantID, v lumo.LinkID, now time.Time) (lumo.Link, error) {
	l, err := scanLink(postgres.Tx(ctx).QueryRow(ctx, `
UPDATE identity_link
   SET state = 'linked', unlinked_at = NULL, version = version + 1, updated_at = $3
 WHERE merchant_id = $1 AND id = $2 AND state = 'unlinked'`+returningLink, m, v, now))
	return l, found("This link does not exist.", "postgres.Restore", err)
}

// Move gives a standing link another profile.
func (s *Store) Move(ctx context.Context, m lumo.MerchantID, v lumo.LinkID, to lumo.ProfileID,
	now time.Time) (lumo.Link, error) {
	l, err := scanLink(postgres.Tx(ctx).QueryRow(ctx, `
UPDATE identity_link
   SET profile_id = $3, version = version + 1, updated_at = $4
 WHERE merchant_id = $1 AND id = $2 AND state = 'linked'`+returningLink, m, v, string(to), now))
	return l, found("This link does not exist.", "postgres.Move", err)
}

// OfProfile are the standing links of a profile, on all channels.
func (s *Store) OfProfile(ctx context.Context, m lumo.MerchantID, p lumo.ProfileID) ([]lumo.Link, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectLink+`
   AND profile_id = $2
 ORDER BY id`, m, string(p))
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (lumo.Link, error) { return scanLink(r) })
	return list, postgres.Fault("postgres.OfProfile", err)
}

// Contact is the email and phone that a link was made with.
func (s *Store) Contact(ctx context.Context, m lumo.MerchantID, v lumo.LinkID) (email, phone string, err error) {
	const op = "postgres.Contact"
	var sealed [2][]byte
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT email_enc, phone_enc
  FROM identity_link
 WHERE merchant_id = $1 AND id = $2`, m, v).Scan(&sealed[0], &sealed[1])
	if err != nil {
		return "", "", found("This link does not exist.", op, err)
	}
	var plain [2]string
	for i, column := range []string{"email_enc", "phone_enc"} {
		if len(sealed[i]) == 0 {
			continue
		}
		text, err := s.vault.Open(ctx, m, "identity_link", column, id.ID(v), sealed[i])
		if err != nil {
			return "", "", fault.Wrap(op, err)
		}
		plain[i] = string(text)
	}
	return plain[0], plain[1], nil
}
