package message

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
	"lumo/shared/fault"
)

// pictureWait is how long a picture's host may take; LINE's users wait no longer either.
const pictureWait = 4 * time.Second

// Why a picture cannot be used.
var (
	ErrPictureSlow    = errors.New("the host is slow")
	ErrPicturePrivate = errors.New("the address leads into a private network")
	ErrPictureType    = errors.New("it is no JPEG or PNG")
	ErrPictureLarge   = errors.New("it is too large")
)

// Pictures loads pictures from other hosts, never from private networks.
type Pictures interface {
	// Load answers the file and its type, image/jpeg or image/png; one of the errors above,
	// or another where the host does not answer.
	Load(ctx context.Context, address string, most int) (file []byte, mediaType string, err error)
}

// Examine applies everything that can be checked before a message is used: our own rules,
// the pictures it names, and LINE's own check.
func (s *Service) Examine(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d Draft) ([]Problem, error) {
	problems := Check(d.Body)
	if Blocking(problems) { // LINE would only say the same in other words
		return problems, nil
	}
	problems = append(problems, s.pictures(ctx, d.Body)...)
	channel, secret, err := s.c.Channels.MessagingCredentials(ctx, m, c)
	if err != nil {
		return nil, err
	}
	messages, _, err := Preview(d.Body, samples(d.Body), s.c.EdgeURL)
	if err != nil {
		return nil, fault.Wrap("message.Examine", err)
	}
	refused, err := s.c.Checker.Validate(ctx, lumo.Keys{ID: channel, Secret: secret}, messages)
	if err != nil {
		return append(problems, Problem{Level: WarningLevel, Code: "line_unavailable", Block: -1}), nil
	}
	for _, r := range refused {
		block, path := blockOf(r.Property)
		problems = append(problems, Problem{Level: ErrorLevel, Code: "line_refuses", Block: block, Path: path, Line: 1,
			Data: map[string]any{"property": r.Property, "original": r.Message}})
	}
	return problems, nil
}

// samples are short values for the variables without fallback, so that LINE sees what most
// people would get.
func samples(b Body) map[string]string {
	values := map[string]string{}
	messages, err := b.messages()
	if err != nil {
		return values
	}
	for _, text := range messages {
		v, err := jsontree.Parse(text)
		if err != nil {
			return values
		}
		eachString(text, v, place{}, func(at place, d jsontree.Decoded, _ jsontree.Value) {
			for _, one := range Variables(d.Text) {
				switch {
				case values[one.Name] != "":
				case at.useOf() == asText:
					values[one.Name] = "Yuki"
				default:
					values[one.Name] = "https://example.com/"
				}
			}
		})
	}
	return values
}

// blockOf reads LINE's name of a place: messages[1].text, or a path inside Flex, /body/..
func blockOf(property string) (block int, path string) {
	rest, ok := strings.CutPrefix(property, "messages[")
	if !ok {
		return -1, property
	}
	n, path, _ := strings.Cut(rest, "]")
	block, err := strconv.Atoi(n)
	if err != nil {
		return -1, property
	}
	return block, strings.TrimPrefix(path, ".")
}

// pictures loads each picture that stands at another host once.
func (s *Service) pictures(ctx context.Context, b Body) []Problem {
	type use struct {
		block int
		path  string
		line  int
		kind  string
	}
	uses := map[string][]use{}
	var order []string
	for i, text := range b.Blocks {
		v, err := jsontree.Parse(text)
		if err != nil {
			continue
		}
		eachString(text, v, place{}, func(at place, d jsontree.Decoded, v jsontree.Value) {
			_, own := OwnMedia(d.Text)
			film := at.name == "originalContentUrl" && at.kind != "image" || at.kind == "video" && at.name == "url"
			if at.useOf() != asPicture || own || film || d.Text == "" || len(Variables(d.Text)) > 0 {
				return
			}
			address := d.Text
			if at.name == "baseUrl" {
				address += "/1040"
			}
			if uses[address] == nil {
				order = append(order, address)
			}
			uses[address] = append(uses[address], use{i, at.path, jsontree.Line(text, v.From), at.name})
		})
	}
	found := make([]*Problem, len(order))
	var group sync.WaitGroup
	limit := make(chan struct{}, 4)
	for i, address := range order {
		group.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			found[i] = s.picture(ctx, address, uses[address][0].kind)
		})
	}
	group.Wait()
	var out []Problem
	for i, address := range order {
		for _, u := range uses[address] {
			if found[i] != nil {
				p := *found[i]
				p.Block, p.Path, p.Line = u.block, u.path, u.line
				out = append(out, p)
			}
		}
	}
	return out
}

// picture says what is wrong with one; nil = nothing.
func (s *Service) picture(ctx context.Context, address, use string) *Problem {
	ctx, cancel := context.WithTimeout(ctx, pictureWait)
	defer cancel()
	most := maxPicture
	if use == "previewImageUrl" {
		most = maxPreview
	}
	_, _, err := s.c.Pictures.Load(ctx, address, most)
	data := map[string]any{}
	if u, err := url.Parse(address); err == nil {
		data["host"] = u.Host
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrPictureSlow):
		data["n"] = int(pictureWait.Seconds())
		return &Problem{Level: WarningLevel, Code: "picture_slow", Data: data}
	case errors.Is(err, ErrPicturePrivate):
		return &Problem{Level: ErrorLevel, Code: "picture_private", Data: data}
	case errors.Is(err, ErrPictureType):
		return &Problem{Level: ErrorLevel, Code: "picture_not_image", Data: data}
	case errors.Is(err, ErrPictureLarge):
		data["n"], data["max"] = ">"+itoa(most>>20), most>>20
		return &Problem{Level: ErrorLevel, Code: "picture_too_large", Data: data}
	}
	return &Problem{Level: ErrorLevel, Code: "picture_away", Data: data}
}

// Picture loads a picture for the console's preview, which loads none by itself.
func (s *Service) Picture(ctx context.Context, address string) (file []byte, mediaType string, err error) {
	const op = "message.Picture"
	if !secure(address) {
		return nil, "", fault.New(fault.Invalid, op, "The picture's address must begin with https.")
	}
	ctx, cancel := context.WithTimeout(ctx, pictureWait)
	defer cancel()
	file, mediaType, err = s.c.Pictures.Load(ctx, address, maxPicture)
	if err != nil {
		return nil, "", fault.As(fault.NotFound, op, err)
	}
	return file, mediaType, nil
}
