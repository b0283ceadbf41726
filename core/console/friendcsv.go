package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
)

// FriendFileView is what came of a file.
type FriendFileView struct {
	Rows     int               `json:"rows"`
	Changed  int               `json:"changed"`
	Problems []LineProblemView `json:"problems"`
}

// LineProblemView is why a line was not taken.
type LineProblemView struct {
	Line int    `json:"line"`
	Code string `json:"code" enum:"nobody,email,phone,tag,columns"`
}

type fileInput struct {
	InChannel
	Body struct {
		CSV string `json:"csv" maxLength:"900000" doc:"columns: friend or line_user_id, then email, phone, tags, test_friend"`
	}
}

func (f friends) registerFiles(a *API, all string) {
	Register(a, Op{ID: "import-friends", Method: http.MethodPost, Path: all + "/import", Role: lumo.Marketer,
		Summary: "Store friends' own emails and phones, tags and test friends from a CSV file"}, f.file)
	RegisterFile(a, Op{ID: "export-friends", Method: http.MethodGet, Path: all + ".csv", Role: lumo.Viewer,
		Summary: "All friends that a filter shows, as a CSV file"}, spreadsheet, f.export(a))
}

func (f friends) file(ctx context.Context, who Caller, in *fileInput) (FriendFileView, error) {
	c, err := in.Channel()
	if err != nil {
		return FriendFileView{}, err
	}
	done, err := f.people.ImportCSV(ctx, who.Merchant.ID, c, actor(who), in.Body.CSV)
	view := FriendFileView{Rows: done.Rows, Changed: done.Changed, Problems: make([]LineProblemView, len(done.Problems))}
	for i, p := range done.Problems {
		view.Problems[i] = LineProblemView(p)
	}
	return view, err
}

type exportInput struct {
	InChannel
	FriendFilter
}

// export streams all friends that the filter shows, however many; nothing is kept of it.
func (f friends) export(a *API) Handler[exportInput, File] {
	return func(ctx context.Context, who Caller, in *exportInput) (File, error) {
		q, err := in.query(in.InChannel, "", 0)
		if err != nil {
			return nil, err
		}
		tags, err := f.people.Tags(ctx, who.Merchant.ID, q.Channel, false)
		if err != nil {
			return nil, err
		}
		names := map[lumo.TagID]string{}
		for _, t := range tags {
			names[t.ID] = t.Name
		}
		head := []string{"friend", "name", "state", "consent", "klaviyo_profile", "tags", "followed_at", "blocked_at",
			"last_sent_at", "last_clicked_at", "language", "test_friend"}
		return a.csvFile("friends.csv", head, func(page func([][]string) error) error {
			return f.people.Each(ctx, who.Merchant.ID, q, func(items []channel.FriendItem) error {
				lines := make([][]string, len(items))
				for n, i := range items {
					lines[n] = exportLine(i, names)
				}
				return page(lines)
			})
		}), nil
	}
}

func exportLine(i channel.FriendItem, names map[lumo.TagID]string) []string {
	var tags []string
	for _, t := range i.Tags {
		tags = append(tags, names[t])
	}
	tester := "no"
	if i.Tester {
		tester = "yes"
	}
	line := []string{i.ID.String(), i.DisplayName, string(i.FollowStatus), string(i.Consent), string(i.Profile),
		strings.Join(slices.Compact(tags), ";"), cell(i.FollowedAt), cell(i.BlockedAt), cell(i.LastSentAt),
		cell(i.LastClickedAt), i.Language, tester}
	for n, text := range line {
		line[n] = harmless(text)
	}
	return line
}

func cell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
