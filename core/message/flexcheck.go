package message

import (
	"slices"

	"lumo/core/message/jsontree"
)

// template checks the older card messages.
func (c *checker) template(v jsontree.Value) {
	t, ok := v.Get("template")
	if !ok {
		c.fail("missing", "template", v.From, map[string]any{"field": "template"})
		return
	}
	switch kind := word(c.text, t, "type"); kind {
	case "buttons":
		c.card(t, "template", 160, 4)
	case "confirm":
		c.needed(t, "template", "text")
		c.actions(t, "template", 2, 2)
	case "carousel":
		columns, _ := t.Get("columns")
		c.count(columns, "template.columns", 1, 10)
		for i, column := range columns.Items {
			c.card(column, "template.columns["+itoa(i)+"]", 120, 3)
		}
	case "image_carousel":
		columns, _ := t.Get("columns")
		c.count(columns, "template.columns", 1, 10)
		for i, column := range columns.Items {
			path := "template.columns[" + itoa(i) + "]"
			c.needed(column, path, "imageUrl")
			a, ok := column.Get("action")
			c.action(a, path+".action", ok, false)
		}
	default:
		c.fail("unknown_type", "template.type", t.From, map[string]any{"type": kind})
	}
}

// card is one column, or the body of a buttons template; its text is shorter beside a picture
// or a title.
func (c *checker) card(t jsontree.Value, path string, most, actions int) {
	c.needed(t, path, "text")
	if word(c.text, t, "thumbnailImageUrl") != "" || word(c.text, t, "title") != "" {
		most = 60
	}
	for _, f := range []struct {
		name string
		most int
	}{{"text", most}, {"title", 40}} {
		if n := Graphemes(Substitute(word(c.text, t, f.name), nil)); n > f.most {
			c.fail("too_long", path+"."+f.name, t.From, map[string]any{"n": n, "max": f.most, "over": n - f.most})
		}
	}
	c.actions(t, path, 1, actions)
}

func (c *checker) actions(t jsontree.Value, path string, low, high int) {
	list, _ := t.Get("actions")
	c.count(list, path+".actions", low, high)
	for i, a := range list.Items {
		c.action(a, path+".actions["+itoa(i)+"]", true, true)
	}
}

// flex checks a Flex message: sizes, cards, components.
func (c *checker) flex(v jsontree.Value) {
	contents, ok := v.Get("contents")
	if !ok {
		c.fail("missing", "contents", v.From, map[string]any{"field": "contents"})
		return
	}
	size := contents.To - contents.From + BeaconSize
	switch kind := word(c.text, contents, "type"); kind {
	case "bubble":
		c.bubbleSize(contents, "contents", BeaconSize)
		c.bubble(contents, "contents")
	case "carousel":
		if size > maxCarousel {
			c.fail("carousel_size", "contents", contents.From, kilobytes(size, maxCarousel))
		}
		bubbles, _ := contents.Get("contents")
		c.count(bubbles, "contents.contents", 1, maxBubbles)
		for i, b := range bubbles.Items {
			path := "contents.contents[" + itoa(i) + "]"
			if word(c.text, b, "type") != "bubble" {
				c.fail("unknown_type", path+".type", b.From, map[string]any{"type": word(c.text, b, "type")})
				continue
			}
			if sizeOf(c.text, b) != sizeOf(c.text, bubbles.Items[0]) {
				c.fail("card_sizes_differ", path+".size", b.From, nil)
			}
			more := 0
			if i == 0 {
				more = BeaconSize // it goes into the first
			}
			c.bubbleSize(b, path, more)
			c.bubble(b, path)
		}
	default:
		c.fail("unknown_type", "contents.type", contents.From, map[string]any{"type": kind})
	}
}

func sizeOf(text string, bubble jsontree.Value) string {
	if size := word(text, bubble, "size"); size != "" {
		return size
	}
	return "mega"
}

func (c *checker) bubbleSize(b jsontree.Value, path string, more int) {
	if n := b.To - b.From + more; n > maxBubble {
		c.fail("bubble_size", path, b.From, kilobytes(n, maxBubble))
	}
}

func kilobytes(n, most int) map[string]any {
	return map[string]any{"n": (n + 1023) / 1024, "max": most / 1024}
}

func (c *checker) bubble(b jsontree.Value, path string) {
	sizes := []string{"", "nano", "micro", "deca", "hecto", "kilo", "mega", "giga"}
	if size := word(c.text, b, "size"); !slices.Contains(sizes, size) {
		c.fail("unknown_type", path+".size", b.From, map[string]any{"type": size})
	}
	for _, part := range []string{"header", "hero", "body", "footer"} {
		v, ok := b.Get(part)
		if !ok {
			continue
		}
		if kind := word(c.text, v, "type"); part != "hero" && kind != "box" {
			c.fail("unknown_type", path+"."+part+".type", v.From, map[string]any{"type": kind})
			continue
		}
		c.component(v, path+"."+part)
	}
	if a, ok := b.Get("action"); ok {
		c.action(a, path+".action", true, false)
	}
}

func (c *checker) component(v jsontree.Value, path string) {
	switch kind := word(c.text, v, "type"); kind {
	case "box":
		if layout := word(c.text, v, "layout"); !slices.Contains([]string{"horizontal", "vertical", "baseline"}, layout) {
			c.fail("unknown_type", path+".layout", v.From, map[string]any{"type": layout})
		}
		list, ok := v.Get("contents")
		if !ok || list.Kind != jsontree.Array {
			c.fail("missing", path+".contents", v.From, map[string]any{"field": "contents"})
		}
		for i, inner := range list.Items {
			c.component(inner, path+".contents["+itoa(i)+"]")
		}
	case "image", "icon", "video":
		c.needed(v, path, "url")
	case "button":
		a, ok := v.Get("action")
		c.action(a, path+".action", ok, false)
		return
	case "text":
		if spans, ok := v.Get("contents"); !ok || len(spans.Items) == 0 {
			c.needed(v, path, "text")
		}
	case "separator", "filler", "spacer", "span":
	case "":
		c.fail("missing", path+".type", v.From, map[string]any{"field": "type"})
	default:
		c.fail("unknown_type", path+".type", v.From, map[string]any{"type": kind})
	}
	if a, ok := v.Get("action"); ok {
		c.action(a, path+".action", true, false)
	}
}
