package delivery

import "testing"

func TestReserveIsForFlowSendsAlone(t *testing.T) {
	t.Parallel()
	ten := Rules{ReservePercent: 10}
	for name, c := range map[string]struct {
		quota            Quota
		rules            Rules
		flow, broadcasts int64
	}{
		"unlimited":                    {Quota{Unlimited: true, LINE: 5000}, ten, 1 << 40, 1 << 40},
		"nothing used":                 {Quota{Limit: 100}, ten, 100, 90},
		"one above the reserve":        {Quota{Limit: 100, Base: 89}, ten, 11, 1},
		"at the reserve":               {Quota{Limit: 100, Base: 90}, ten, 10, 0},
		"what is on its way counts":    {Quota{Limit: 100, Base: 80, Held: 10}, ten, 10, 0},
		"what LINE does not know yet":  {Quota{Limit: 100, Base: 80, Since: 10}, ten, 10, 0},
		"flow sends use it up":         {Quota{Limit: 100, Base: 90, Flows: 4}, ten, 10, 4},
		"more flow sends than reserve": {Quota{Limit: 100, Base: 90, Flows: 40}, ten, 10, 10},
		"no reserve":                   {Quota{Limit: 100, Base: 90}, Rules{}, 10, 10},
		"too small for a reserve":      {Quota{Limit: 9, Base: 8}, ten, 1, 1},
		"beyond the limit":             {Quota{Limit: 100, Base: 120}, ten, 0, 0},
		"no messages at all":           {Quota{}, ten, 0, 0},
	} {
		if flow, broadcasts := c.quota.LeftFor(KindFlow, c.rules), c.quota.LeftFor(KindBroadcast, c.rules); flow != c.flow ||
			broadcasts != c.broadcasts {
			t.Errorf("%s: %d for flow sends and %d for broadcasts, want %d and %d", name, flow, broadcasts, c.flow, c.broadcasts)
		}
	}
}
