package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// TagView is a tag: a label on friends.
type TagView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Color      int        `json:"color" minimum:"1" maximum:"8"`
	Friends    int64      `json:"friends"`
	ByHand     int64      `json:"by_hand" doc:"given by a person or a file"`
	ByQRCode   int64      `json:"by_qr_code"`
	MergedInto string     `json:"merged_into,omitempty"`
	ArchivedAt *time.Time `json:"archived_at,omitempty"`
}

// ChangedView is how many friends a change changed.
type ChangedView struct {
	Changed int `json:"changed"`
}

type tagsInput struct {
	InChannel
	Archived string `query:"archived" enum:"yes"`
}

// InTag is the input of operations on a tag.
type InTag struct {
	InChannel
	TagID string `path:"tag" doc:"tag_.."`
}

func (in InTag) tag() (lumo.ChannelID, lumo.TagID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, lumo.TagID{}, err
	}
	v, err := outside(id.Tag, in.TagID)
	return c, lumo.TagID(v), err
}

type newTagInput struct {
	InChannel
	Body struct {
		Name  string `json:"name" maxLength:"60"`
		Color int    `json:"color,omitempty" minimum:"0" maximum:"8"`
	}
}

type tagInput struct {
	InTag
	Body struct {
		Name  string `json:"name,omitempty" maxLength:"60"`
		Color int    `json:"color,omitempty" minimum:"0" maximum:"8"`
	}
}

type mergeInput struct {
	InTag
	Body struct {
		Into string `json:"into" maxLength:"40" doc:"tag_.."`
	}
}

type bulkInput struct {
	InChannel
	Body struct {
		Action  string   `json:"action" enum:"tag,untag,tester,no_tester"`
		Tag     string   `json:"tag,omitempty" maxLength:"40"`
		Friends []string `json:"friends" maxItems:"1000"`
	}
}

func (f friends) registerBulk(a *API, all string) {
	const tags = "/merchants/{merchant}/channels/{channel}/tags"
	Register(a, Op{ID: "change-friends", Method: http.MethodPost, Path: all + "/bulk", Role: lumo.Marketer,
		Summary: "Tag, untag or mark up to 1,000 friends"}, f.bulk)
	Register(a, Op{ID: "list-tags", Method: http.MethodGet, Path: tags, Role: lumo.Viewer,
		Summary: "List tags by name"}, f.tags)
	Register(a, Op{ID: "create-tag", Method: http.MethodPost, Path: tags, Role: lumo.Marketer,
		Summary: "Make a tag"}, f.addTag)
	RegisterEdit(a, Op{ID: "update-tag", Method: http.MethodPatch, Path: tags + "/{tag}", Role: lumo.Marketer,
		Summary: "Rename or recolour a tag"}, f.readTag, f.changeTag)
	Register(a, Op{ID: "archive-tag", Method: http.MethodPost, Path: tags + "/{tag}/archive", Role: lumo.Marketer,
		Summary: "Put a tag away; its friends stay known"}, f.archiving(true))
	Register(a, Op{ID: "restore-tag", Method: http.MethodPost, Path: tags + "/{tag}/restore", Role: lumo.Marketer,
		Summary: "Bring an archived tag back; takes a merge back"}, f.archiving(false))
	Register(a, Op{ID: "merge-tag", Method: http.MethodPost, Path: tags + "/{tag}/merge", Role: lumo.Marketer,
		Summary: "Give the friends of a tag another one and put it away"}, f.merge)
}

func (f friends) tags(ctx context.Context, who Caller, in *tagsInput) (List[TagView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[TagView]{}, err
	}
	all, err := f.people.Tags(ctx, who.Merchant.ID, c, in.Archived == "yes")
	list := List[TagView]{Items: make([]TagView, len(all))}
	for i, t := range all {
		list.Items[i] = tagView(t)
	}
	return list, err
}

func tagView(t channel.Tag) TagView {
	v := TagView{ID: t.ID.String(), Name: t.Name, Color: t.Color, Friends: t.Friends, ByHand: t.Hand,
		ByQRCode: t.QR, ArchivedAt: moment(t.ArchivedAt)}
	if t.MergedInto != (lumo.TagID{}) {
		v.MergedInto = t.MergedInto.String()
	}
	return v
}

func (f friends) addTag(ctx context.Context, who Caller, in *newTagInput) (TagView, error) {
	c, err := in.Channel()
	if err != nil {
		return TagView{}, err
	}
	t, err := f.people.AddTag(ctx, who.Merchant.ID, c, actor(who), in.Body.Name, max(in.Body.Color, 1))
	return tagView(t), err
}

func (f friends) readTag(ctx context.Context, who Caller, in *tagInput) (TagView, error) {
	c, v, err := in.tag()
	if err != nil {
		return TagView{}, err
	}
	t, err := f.people.Tag(ctx, who.Merchant.ID, c, v)
	return tagView(t), err
}

func (f friends) changeTag(ctx context.Context, who Caller, in *tagInput) (TagView, error) {
	c, v, err := in.tag()
	if err != nil {
		return TagView{}, err
	}
	t, err := f.people.ChangeTag(ctx, who.Merchant.ID, c, actor(who), v, in.Body.Name, in.Body.Color)
	return tagView(t), err
}

func (f friends) archiving(away bool) Handler[InTag, TagView] {
	return func(ctx context.Context, who Caller, in *InTag) (TagView, error) {
		c, v, err := in.tag()
		if err != nil {
			return TagView{}, err
		}
		t, err := f.people.Archive(ctx, who.Merchant.ID, c, actor(who), v, away)
		return tagView(t), err
	}
}

func (f friends) merge(ctx context.Context, who Caller, in *mergeInput) (TagView, error) {
	c, v, err := in.tag()
	if err != nil {
		return TagView{}, err
	}
	into, err := outside(id.Tag, in.Body.Into)
	if err != nil {
		return TagView{}, err
	}
	t, err := f.people.Merge(ctx, who.Merchant.ID, c, actor(who), v, lumo.TagID(into))
	return tagView(t), err
}

func (f friends) bulk(ctx context.Context, who Caller, in *bulkInput) (ChangedView, error) {
	c, err := in.Channel()
	if err != nil {
		return ChangedView{}, err
	}
	var chosen []lumo.FriendID
	for _, text := range in.Body.Friends {
		v, err := outside(id.Friend, text)
		if err != nil {
			return ChangedView{}, err
		}
		chosen = append(chosen, lumo.FriendID(v))
	}
	var n int
	switch in.Body.Action {
	case "tester", "no_tester":
		n, err = f.people.SetTester(ctx, who.Merchant.ID, c, actor(who), chosen, in.Body.Action == "tester")
	default:
		tag, bad := outside(id.Tag, in.Body.Tag)
		if bad != nil {
			return ChangedView{}, bad
		}
		n, err = f.people.Label(ctx, who.Merchant.ID, c, lumo.TagID(tag), chosen, channel.TagByHand,
			in.Body.Action == "tag")
	}
	return ChangedView{Changed: n}, err
}
