package edgetest

import (
	"bytes"
	"fmt"

	"lumo/shared/edgeapi"
)

// firstChannel is the number from which Fill counts.
const firstChannel = 1000

// Fill adds channels with their hooks and keys, and links of each, as large shops have them.
func (c *Core) Fill(channels, links int) {
	key := bytes.Repeat([]byte{7}, 32)
	for n := range channels {
		channel := uint32(firstChannel + n)
		c.Put(edgeapi.TableChannel, edgeapi.ChannelKey(channel), edgeapi.ChannelEntry{StateKey: 1,
			LoginChannel: "2001234567", BasicID: fmt.Sprintf("@shop%d", n), Shop: "A tea shop in Kyoto",
			FallbackURL: Shop, Language: "ja"}.Append(nil))
		for _, kind := range []edgeapi.HookKind{edgeapi.KeyLINE, edgeapi.KeyFlow} {
			c.Put(edgeapi.TableHook, edgeapi.HookKey(kind, fmt.Sprintf("hookhookhook%04d", n)),
				edgeapi.HookEntry{Number: channel}.Append(nil))
			c.PutKey(edgeapi.Ref(kind, 1, channel), edgeapi.KeyEntry{Secret: key})
		}
		c.PutKey(edgeapi.Ref(edgeapi.KeyLink, 1, channel), edgeapi.KeyEntry{Secret: key})
		c.PutKey(edgeapi.Ref(edgeapi.KeyState, 1, channel), edgeapi.KeyEntry{Secret: key})
		for link := range links {
			target := fmt.Sprintf("https://shop.example/products/tea-%d?variant=%d&utm_source=line"+
				"&utm_medium=message&utm_campaign=spring-%d", link, 40_000_000+link, n)
			c.Put(edgeapi.TableLink, edgeapi.LinkKey(channel, uint32(link)),
				edgeapi.AppendTarget(nil, target))
		}
	}
}
