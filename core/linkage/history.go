package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const historyMax = 200

// HistoryLine is a step of a link's life as screens show it.
type HistoryLine struct {
	ID        id.ID
	Link      lumo.LinkID
	Channel   lumo.ChannelID
	Friend    lumo.FriendID
	Profile   lumo.ProfileID // of the link now
	Step      string
	ActorKind string
	Actor     lumo.MemberID
	ActorName string // of a member
	Data      map[string]any
	At        time.Time
	Undone    bool
}

// Undoable tells whether a person can take the step back.
func (h HistoryLine) Undoable() bool {
	if h.Undone {
		return false
	}
	switch h.Step {
	case stepUnlinked:
		return h.Data["conflict"] == nil // its decision is undone instead
	case stepLinked:
		return h.ActorKind == "member" && h.Data["conflict"] == nil
	case stepResolved:
		return true
	}
	return false
}

// History are the steps of all links of a friend, newest first.
func (s *Service) History(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (
	list []HistoryLine, err error) {
	const op = "linkage.History"
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		friend, err := s.c.Friends.Friend(ctx, m, f)
		if err == nil && friend.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend does not exist.")
		}
		if err != nil {
			return err
		}
		list, err = s.c.Links.Histories(ctx, m, f, historyMax)
		return err
	})
	return list, fault.Wrap(op, err)
}

// UndoStep takes one step of a link's history back. That is a step of its own.
func (s *Service) UndoStep(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, step id.ID,
	by lumo.MemberID) error {
	const op = "linkage.UndoStep"
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		h, err := s.c.Links.HistoryStep(ctx, m, step)
		if err == nil && h.Channel != c {
			err = fault.New(fault.NotFound, op, "This step does not exist.")
		}
		if err != nil {
			return err
		}
		if !h.Undoable() {
			return fault.New(fault.Conflict, op, "This step cannot be undone, or was undone already.")
		}
		if text, ok := h.Data["conflict"].(string); ok {
			conflict, err := id.ParseWith(id.Event, text)
			if err != nil {
				return fault.As(fault.Internal, op, err)
			}
			return s.undoDecision(ctx, m, c, conflict, by)
		}
		if h.Step == stepUnlinked {
			_, err = s.restore(ctx, m, h.Link)
		} else {
			err = s.endIfStanding(ctx, m, h.Link, byMember(by))
		}
		if err != nil {
			return err
		}
		return s.noteUndo(ctx, m, h.Link, h.ID, by)
	})
	return fault.Wrap(op, meanwhile(err))
}

// noteUndo writes that a step was taken back, by whom.
func (s *Service) noteUndo(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, step id.ID,
	by lumo.MemberID) error {
	err := s.c.Links.AddHistory(ctx, m, History{ID: s.c.NewID(), Link: l, Step: stepUndone,
		ActorKind: "member", Actor: by, Now: s.c.Now(),
		Data: map[string]any{"undoes": step.With(id.Event)}})
	if err != nil {
		return err
	}
	return s.audit(ctx, by, "link.undo", l, map[string]any{"step": step.With(id.Event)})
}

// endIfStanding ends a link that may have ended meanwhile.
func (s *Service) endIfStanding(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, h History) error {
	link, stands, err := s.c.Links.Link(ctx, m, l)
	if err != nil || !stands {
		return err
	}
	_, err = s.unlink(ctx, m, link, h, undoSpan)
	return err
}

// meanwhile says in words what a database refuses: one of the two has another link by now.
func meanwhile(err error) error {
	if fault.Is(err, fault.Conflict) && fault.MessageOf(err) == "" {
		return fault.New(fault.Conflict, "linkage.meanwhile",
			"Another link was made meanwhile. Unlink that one first.")
	}
	return err
}
