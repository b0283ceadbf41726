package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// SendingRulesView are a merchant's rules for an account's sending, and what they would have
// done to the last month's messages.
type SendingRulesView struct {
	TooLateSeconds  int           `json:"too_late_seconds" minimum:"600" maximum:"259200"`
	ReservePercent  int           `json:"reserve_percent" minimum:"0" maximum:"90"`
	Quiet           *QuietView    `json:"quiet,omitempty" doc:"absent = no quiet hours"`
	Cap             *CapView      `json:"cap,omitempty" doc:"absent = no limit per person"`
	ApprovalOver    *int64        `json:"approval_over,omitempty" minimum:"0" doc:"absent = no approval"`
	TypedNumberOver int64         `json:"typed_number_over" minimum:"0"`
	Affected        *AffectedView `json:"affected,omitempty" readOnly:"true"`
}

// QuietView are hours in which nothing is sent, as HH:MM of the merchant's day.
type QuietView struct {
	From       string `json:"from" pattern:"^[0-2][0-9]:[0-5][0-9]$"`
	Until      string `json:"until" pattern:"^[0-2][0-9]:[0-5][0-9]$"`
	Days       []int  `json:"days" doc:"1 = Monday .. 7: the days on which they begin" minItems:"1" maxItems:"7"`
	Flows      string `json:"flows" enum:"wait,skip,send"`
	Broadcasts string `json:"broadcasts" enum:"wait,skip,send"`
}

// CapView is how many messages one person gets in so many days.
type CapView struct {
	Messages int  `json:"messages" minimum:"1" maximum:"1000"`
	Days     int  `json:"days" minimum:"1" maximum:"90"`
	Flows    bool `json:"flows" doc:"flow messages are limited too"`
}

// AffectedView is how many of the last month's messages the rules would have held back.
type AffectedView struct {
	Messages int64 `json:"messages"`
	Quiet    int64 `json:"quiet"`
	Cap      int64 `json:"cap"`
}

type rulesInput struct {
	InChannel
	Body SendingRulesView
}

func (h sending) registerRules(a *API, path string) {
	Register(a, Op{ID: "get-sending-rules", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "Read the rules for an account's sending"}, h.rules)
	RegisterEdit(a, Op{ID: "set-sending-rules", Method: http.MethodPut, Path: path, Role: lumo.Admin,
		Summary: "Change the rules for an account's sending"},
		func(ctx context.Context, who Caller, in *rulesInput) (SendingRulesView, error) {
			return h.rules(ctx, who, &in.InChannel)
		}, h.setRules)
	Register(a, Op{ID: "preview-sending-rules", Method: http.MethodPost, Path: path + "/preview", Role: lumo.Viewer,
		Summary: "Tell what rules would have done to the last month's messages"}, h.previewRules)
}

func (h sending) rules(ctx context.Context, who Caller, in *InChannel) (SendingRulesView, error) {
	c, err := in.Channel()
	if err != nil {
		return SendingRulesView{}, err
	}
	state, err := h.service.Sending(ctx, who.Merchant.ID, c)
	if err != nil {
		return SendingRulesView{}, err
	}
	return rulesView(state.Rules), nil
}

func (h sending) setRules(ctx context.Context, who Caller, in *rulesInput) (SendingRulesView, error) {
	c, err := in.Channel()
	if err != nil {
		return SendingRulesView{}, err
	}
	r, err := in.Body.rules()
	if err != nil {
		return SendingRulesView{}, err
	}
	if err := h.service.SetRules(ctx, who.Merchant.ID, c, sendingActor(who), r); err != nil {
		return SendingRulesView{}, err
	}
	return rulesView(r), nil
}

func (h sending) previewRules(ctx context.Context, who Caller, in *rulesInput) (AffectedView, error) {
	c, err := in.Channel()
	if err != nil {
		return AffectedView{}, err
	}
	r, err := in.Body.rules()
	if err != nil {
		return AffectedView{}, err
	}
	a, err := h.service.Affected(ctx, who.Merchant.ID, c, r)
	return AffectedView{Messages: a.Messages, Quiet: a.Quiet, Cap: a.Capped}, err
}

func rulesView(r delivery.Rules) SendingRulesView {
	v := SendingRulesView{TooLateSeconds: int(r.TooLate / time.Second), ReservePercent: r.ReservePercent,
		TypedNumberOver: r.TypedNumberOver}
	if r.ApprovalOver >= 0 {
		v.ApprovalOver = &r.ApprovalOver
	}
	if q := r.Quiet; q.On {
		v.Quiet = &QuietView{From: clock(q.From), Until: clock(q.Until), Flows: string(q.Flows), Broadcasts: string(q.Broadcasts)}
		for day := range 7 {
			if q.Days&(1<<day) != 0 {
				v.Quiet.Days = append(v.Quiet.Days, day+1)
			}
		}
	}
	if c := r.Cap; c.Messages > 0 {
		v.Cap = &CapView{Messages: c.Messages, Days: c.Days, Flows: c.Flows}
	}
	return v
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

func (v SendingRulesView) rules() (delivery.Rules, error) {
	r := delivery.DefaultRules()
	r.TooLate, r.ReservePercent = time.Duration(v.TooLateSeconds)*time.Second, v.ReservePercent
	r.TypedNumberOver = v.TypedNumberOver
	if v.ApprovalOver != nil {
		r.ApprovalOver = *v.ApprovalOver
	}
	if q := v.Quiet; q != nil {
		from, ok := minuteOf(q.From)
		until, fine := minuteOf(q.Until)
		if !ok || !fine {
			return r, fault.New(fault.Invalid, "console.rules", "Write times as 21:00.")
		}
		r.Quiet = delivery.QuietHours{On: true, From: from, Until: until, Flows: delivery.QuietAction(q.Flows),
			Broadcasts: delivery.QuietAction(q.Broadcasts)}
		for _, day := range q.Days {
			if day < 1 || day > 7 {
				return r, fault.New(fault.Invalid, "console.rules", "Days are 1 for Monday to 7 for Sunday.")
			}
			r.Quiet.Days |= 1 << (day - 1)
		}
	}
	if c := v.Cap; c != nil {
		r.Cap = delivery.Cap{Messages: c.Messages, Days: c.Days, Flows: c.Flows}
	}
	return r, r.Check()
}

func minuteOf(text string) (int, bool) {
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil
}
