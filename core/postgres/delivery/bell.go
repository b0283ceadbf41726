package delivery

import (
	"context"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/id"
)

const bellChannel = "lumo_send"

// Ring tells other replicas that channels have something to send.
func (s *Store) Ring(ctx context.Context, channels []lumo.ChannelID) error {
	for _, c := range channels {
		if err := postgres.Notify(ctx, bellChannel, id.ID(c).String()); err != nil {
			return err
		}
	}
	return nil
}

// Hear hands on channels that others rang for.
func (s *Store) Hear(ctx context.Context, rung func(lumo.ChannelID)) error {
	return s.db.Listen(ctx, bellChannel, func(text string) {
		if v, err := id.Parse(text); err == nil {
			rung(lumo.ChannelID(v))
		}
	})
}
