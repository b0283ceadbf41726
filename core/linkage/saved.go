package linkage

import (
	"context"
	"fmt"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Saved is a saved message as a code sends it: the newest that was published, with the fallback
// of each variable. Nobody asks Klaviyo between a scan and its greeting.
type Saved struct {
	Name     string
	Version  int // 0 = none is published
	Archived bool
	Empty    []string // its variables without a fallback: nothing would stand there
}

// Messages knows the saved messages of a LINE account.
type Messages interface {
	Saved(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (Saved, error)
}

// sendable refuses a saved message that would not reach people as it is meant.
func (s *Service) sendable(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (Saved, error) {
	if v == (lumo.MessageID{}) {
		return Saved{}, nil
	}
	saved, err := s.c.Messages.Saved(ctx, m, c, v)
	sentence := ""
	switch {
	case fault.Is(err, fault.NotFound):
		sentence = "This message does not exist."
	case err != nil:
		return saved, err
	case saved.Archived:
		sentence = fmt.Sprintf("The message “%s” is put away. Choose another.", saved.Name)
	case saved.Version == 0:
		sentence = fmt.Sprintf("Publish the message “%s” first.", saved.Name)
	case len(saved.Empty) > 0:
		sentence = fmt.Sprintf("A code cannot know %s. Give it a fallback in the message “%s”.",
			strings.Join(saved.Empty, ", "), saved.Name)
	default:
		return saved, nil
	}
	return saved, &fault.Error{Kind: fault.Invalid, Op: "linkage.sendable", Fields: map[string]string{"message": sentence}}
}

// readSaved completes codes with their saved messages, each of which is read once.
func (s *Service) readSaved(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, codes []Code) (err error) {
	known := map[lumo.MessageID]Saved{{}: {}}
	for i, code := range codes {
		saved, ok := known[code.Message]
		if !ok {
			if saved, err = s.c.Messages.Saved(ctx, m, c, code.Message); err != nil {
				return err
			}
			known[code.Message] = saved
		}
		codes[i].Saved = saved
	}
	return nil
}
