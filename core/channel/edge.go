package channel

import (
	"context"

	"lumo/shared/edgeapi"
)

// firstKey numbers the one LINE secret a channel has; the other keys carry their own number.
const firstKey = 1

// tellEdges makes the edges read all that they hold of a channel again: its hooks, its row
// and its keys.
func (s *Service) tellEdges(ctx context.Context, c Channel) error {
	rows := []struct {
		table uint8
		key   []byte
	}{
		{edgeapi.TableHook, edgeapi.HookKey(edgeapi.KeyLINE, c.HookKey)},
		{edgeapi.TableHook, edgeapi.HookKey(edgeapi.KeyFlow, c.FlowHookKey)},
		{edgeapi.TableChannel, edgeapi.ChannelKey(c.Number)},
		{edgeapi.TableChannel, edgeapi.LookKey(c.Number)},
		{edgeapi.TableKey, edgeapi.Ref(edgeapi.KeyLINE, firstKey, c.Number).Append(nil)},
		{edgeapi.TableKey, edgeapi.Ref(edgeapi.KeyLink, firstKey, c.Number).Append(nil)},
		{edgeapi.TableKey, edgeapi.Ref(edgeapi.KeyState, firstKey, c.Number).Append(nil)},
	}
	for _, row := range rows {
		if err := s.c.Fleet.Changed(ctx, c.Merchant, row.table, row.key); err != nil {
			return err
		}
	}
	return nil
}
