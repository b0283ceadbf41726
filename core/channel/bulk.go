package channel

import (
	"context"
	"encoding/json"

	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// RunBulk changes all friends that a filter matches, as long work.
const RunBulk = "friends_bulk"

// BulkAction is what is done to friends many at once.
type BulkAction string

// The actions.
const (
	BulkTag      BulkAction = "tag"
	BulkUntag    BulkAction = "untag"
	BulkTester   BulkAction = "tester"
	BulkNoTester BulkAction = "no_tester"
)

const (
	paramAction = "action"
	paramTag    = "tag"
	paramFilter = "filter"
	bulkPage    = 500
)

// BulkParams are the parameters of such a run. What somebody searched for may be personal data
// and is no part of them.
func BulkParams(q FriendQuery, action BulkAction, tag lumo.TagID) (map[string]string, error) {
	const op = "channel.BulkParams"
	if q.Name != "" || q.Line != "" || q.Email != "" || q.Phone != "" || q.Profile != "" {
		return nil, fault.New(fault.Invalid, op, "All that match a search cannot be changed at once. Use filters.")
	}
	q.PageQuery = PageQuery{}
	filter, err := json.Marshal(q)
	if err != nil {
		return nil, fault.As(fault.Internal, op, err)
	}
	params := map[string]string{paramAction: string(action), paramFilter: string(filter)}
	if action == BulkTag || action == BulkUntag {
		params[paramTag] = tag.String()
	}
	return params, nil
}

// Bulk is the worker. Friends who come while it works are not part of it: it goes from the
// newest to the oldest.
type Bulk struct{ People *People }

// Prepare asks nobody.
func (b Bulk) Prepare(_ context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	const op = "channel.Bulk"
	var q FriendQuery
	if err := json.Unmarshal([]byte(r.Params[paramFilter]), &q); err != nil {
		return nil, fault.As(fault.Internal, op, err)
	}
	q.Channel, q.Limit, q.ByID = r.Channel, bulkPage, true
	q.Before, _ = id.Parse(r.Cursor) // zero at the beginning
	return func(ctx context.Context) (run.Step, error) {
		step := run.Step{Cursor: r.Cursor, Counts: map[string]int64{}}
		if r.Total == nil {
			n, err := b.People.c.Store.Count(ctx, r.Merchant, q)
			if err != nil {
				return step, err
			}
			step.Total = &n
		}
		list, err := b.People.c.Store.Friends(ctx, r.Merchant, q)
		if err != nil {
			return step, err
		}
		friends := make([]lumo.FriendID, len(list.Items))
		for n, f := range list.Items {
			friends[n] = f.ID
			step.Cursor = id.ID(f.ID).String()
		}
		changed, err := b.change(ctx, r, friends)
		step.Done, step.Counts["changed"] = int64(len(friends)), int64(changed)
		step.Ended = list.Next.IsZero()
		return step, err
	}, nil
}

func (b Bulk) change(ctx context.Context, r run.Run, friends []lumo.FriendID) (int, error) {
	if len(friends) == 0 {
		return 0, nil
	}
	switch action := BulkAction(r.Params[paramAction]); action {
	case BulkTester, BulkNoTester:
		by := Actor{Member: r.StartedBy}
		return b.People.SetTester(ctx, r.Merchant, r.Channel, by, friends, action == BulkTester)
	default:
		tag, err := id.ParseWith(id.Tag, r.Params[paramTag])
		if err != nil {
			return 0, fault.As(fault.Internal, "channel.Bulk", err)
		}
		return b.People.Label(ctx, r.Merchant, r.Channel, lumo.TagID(tag), friends, TagByHand, action == BulkTag)
	}
}
