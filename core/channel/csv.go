package channel

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// FileResult is what came of a file with friends' own data.
type FileResult struct {
	Rows     int
	Changed  int
	Problems []LineProblem
}

// LineProblem is why a line of a file was not taken. Line 2 is the first below the head.
type LineProblem struct {
	Line int
	Code string
}

// Why a line was not taken, as codes that screens put into words.
const (
	LineNobody  = "nobody"  // the line names no friend of this account
	LineEmail   = "email"   // not an email address
	LinePhone   = "phone"   // not a phone number
	LineTag     = "tag"     // no tag has this name
	LineColumns = "columns" // not as many values as the head has names
)

// The columns of a file; a line needs one of the first two.
const (
	columnFriend = "friend" // frd_..
	columnUser   = "line_user_id"
	columnEmail  = "email"
	columnPhone  = "phone"
	columnTags   = "tags" // by name, with semicolons between
	columnTester = "test_friend"
)

// linesAtOnce is how many lines one transaction takes.
const linesAtOnce = 500

// ImportCSV stores friends' own emails and phones, tags and test friends from a file. Lines
// that cannot be taken are told; the others count.
func (p *People) ImportCSV(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, text string) (
	FileResult, error) {
	const op = "channel.ImportCSV"
	file, err := p.openFile(ctx, m, c, text)
	if err != nil {
		return FileResult{}, fault.Wrap(op, err)
	}
	for done := false; !done && err == nil; {
		err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			done, err = file.some(ctx)
			return err
		})
	}
	if err == nil {
		err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			return p.c.Auditor.Audit(ctx, by.entry("friend.csv", c, map[string]any{
				"rows": file.result.Rows, "changed": file.result.Changed}))
		})
	}
	return file.result, fault.Wrap(op, err)
}

// file is a CSV file that is being read.
type file struct {
	people   *People
	merchant lumo.MerchantID
	channel  lumo.ChannelID
	country  string
	tags     map[string]lumo.TagID // by lower-case name
	head     []string
	lines    *csv.Reader
	result   FileResult
}

func (p *People) openFile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, text string) (*file, error) {
	merchant, err := p.c.Merchants.Merchant(ctx, m)
	if err != nil {
		return nil, err
	}
	all, err := p.Tags(ctx, m, c, false)
	if err != nil {
		return nil, err
	}
	f := &file{people: p, merchant: m, channel: c, country: merchant.Country, tags: map[string]lumo.TagID{},
		lines: csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))}
	for _, t := range all {
		f.tags[strings.ToLower(t.Name)] = t.ID
	}
	f.lines.FieldsPerRecord, f.lines.LazyQuotes = -1, true
	head, err := f.lines.Read()
	for _, name := range head {
		f.head = append(f.head, strings.ToLower(strings.TrimSpace(name)))
	}
	if err != nil || !slices.Contains(f.head, columnFriend) && !slices.Contains(f.head, columnUser) {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "channel.openFile", Fields: map[string]string{
			"csv": "The first line must name the columns: friend or line_user_id, then email, phone, tags, test_friend."}}
	}
	return f, nil
}

// some takes the next lines; true means that the file ends.
func (f *file) some(ctx context.Context) (bool, error) {
	for range linesAtOnce {
		record, err := f.lines.Read()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		line, _ := f.lines.FieldPos(0)
		if err != nil || len(record) != len(f.head) {
			f.problem(line, LineColumns)
			continue
		}
		f.result.Rows++
		if err := f.take(ctx, line, record); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (f *file) problem(line int, code string) {
	f.result.Problems = append(f.result.Problems, LineProblem{Line: line, Code: code})
}

// take stores one line.
func (f *file) take(ctx context.Context, line int, record []string) error {
	values := map[string]string{}
	for i, name := range f.head {
		values[name] = strings.TrimSpace(record[i])
	}
	friend, err := f.friend(ctx, values)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		f.problem(line, LineNobody)
		return nil
	}
	if err != nil {
		return err
	}
	told := Told{Email: values[columnEmail], Phone: values[columnPhone], Source: ContactCSV}
	contacts, fields := told.contacts(f.country)
	for _, kind := range []string{LineEmail, LinePhone} {
		if fields[kind] != "" {
			f.problem(line, kind)
		}
	}
	contacts = slices.DeleteFunc(contacts, func(c OwnContact) bool { return c.Value == "" })
	if err := f.people.tell(ctx, f.merchant, f.channel, friend, contacts); err != nil {
		return err
	}
	if len(contacts) > 0 {
		f.result.Changed++
	}
	return f.label(ctx, line, friend, values)
}

// label gives the tags of a line, and says whether the friend is a test friend.
func (f *file) label(ctx context.Context, line int, friend lumo.FriendID, values map[string]string) error {
	for name := range strings.SplitSeq(values[columnTags], ";") {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		tag, known := f.tags[name]
		if !known {
			f.problem(line, LineTag)
			continue
		}
		n, err := f.people.Label(ctx, f.merchant, f.channel, tag, []lumo.FriendID{friend}, TagByCSV, true)
		if err != nil {
			return err
		}
		f.result.Changed += n
	}
	switch yes := strings.ToLower(values[columnTester]); yes {
	case "yes", "no":
		n, err := f.people.c.Store.SetTester(ctx, f.merchant, f.channel, []lumo.FriendID{friend}, yes == "yes")
		f.result.Changed += n
		return err
	}
	return nil
}

func (f *file) friend(ctx context.Context, values map[string]string) (lumo.FriendID, error) {
	if text := values[columnFriend]; text != "" {
		v, err := id.ParseWith(id.Friend, text)
		if err != nil {
			return lumo.FriendID{}, fault.New(fault.NotFound, "channel.friend", "This friend does not exist.")
		}
		friend, err := f.people.c.Directory.Friend(ctx, f.merchant, lumo.FriendID(v))
		if err == nil && friend.Channel != f.channel {
			err = fault.New(fault.NotFound, "channel.friend", "This friend does not exist.")
		}
		return friend.ID, err
	}
	user := lumo.LineUserID(values[columnUser])
	if !user.Valid() {
		return lumo.FriendID{}, fault.New(fault.NotFound, "channel.friend", "This is not a LINE user id.")
	}
	return f.people.c.Store.ByUser(ctx, f.merchant, f.channel, user)
}

// Each hands all friends that match on, page by page, newest first.
func (p *People) Each(ctx context.Context, m lumo.MerchantID, q FriendQuery, hand func([]FriendItem) error) error {
	q.Limit = pageMax
	for {
		list, err := p.Friends(ctx, m, q)
		if err == nil {
			err = hand(list.Items)
		}
		if err != nil || list.Next.IsZero() {
			return err
		}
		q.Before, q.At = list.Next, list.NextAt
	}
}
