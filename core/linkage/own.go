package linkage

import (
	"context"
	"slices"

	"lumo/core/lumo"
)

// OwnCode is the QR code by which members link their own phones, and its URL for one of them.
type OwnCode struct {
	Code Code
	Try
}

// OwnPhone gives the URL that links a member's own phone to the customer with her email. Who
// comes by it becomes a test friend, so its code is one of its own: no customer gets it. The
// account's first such code is made here.
func (s *Service) OwnPhone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID, name, email string) (
	own OwnCode, err error) {
	made := false
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		all, err := s.c.Codes.Codes(ctx, m, c)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(one Code) bool { return one.Own && one.Live && one.IdentifyBy == ByProfile }); i >= 0 {
			own.Code = all[i]
			return nil
		}
		n := NewCode{CodeContent: CodeContent{Name: name}, IdentifyBy: ByProfile}
		if err := n.tidy("linkage.OwnPhone", s.c.Now()); err != nil {
			return err
		}
		made = true
		own.Code, err = s.c.Codes.AddCode(ctx, m, Code{ID: lumo.CodeID(s.c.NewID()), Channel: c, Key: newKey(), Own: true,
			CodeContent: CodeContent{Name: n.Name, Live: true}, IdentifyBy: ByProfile, CreatedAt: s.c.Now()})
		if err != nil {
			return err
		}
		return s.noteCode(ctx, m, own.Code, by, "qr_code.create", map[string]any{"identify_by": string(ByProfile), "own": true})
	})
	if err != nil {
		return own, err
	}
	if made {
		s.waitForEdges(ctx)
	}
	own.Try, err = s.TryCode(ctx, m, c, own.Code.ID, email)
	return own, err
}
