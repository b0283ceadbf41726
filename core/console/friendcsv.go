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
	a.HandlePage("GET "+base+all+".csv", func(w http.ResponseWriter, r *http.Request) { f.export(a, w, r) })
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

// export streams all friends that the filter shows, however many; nothing is kept of it.
func (f friends) export(a *API, w http.ResponseWriter, r *http.Request) {
	who, err := a.Caller(r.Context(), lumo.Viewer, r.PathValue("merchant"))
	if err != nil {
		a.answerProblem(w, r, err)
		return
	}
	q, err := exportQuery(r)
	if err != nil {
		a.answerProblem(w, r, err)
		return
	}
	tags, err := f.people.Tags(r.Context(), who.Merchant.ID, q.Channel, false)
	if err != nil {
		a.answerProblem(w, r, err)
		return
	}
	names := map[lumo.TagID]string{}
	for _, t := range tags {
		names[t.ID] = t.Name
	}
	head := []string{"friend", "name", "state", "consent", "klaviyo_profile", "tags", "followed_at", "blocked_at",
		"last_sent_at", "last_clicked_at", "language", "test_friend"}
	a.streamCSV(w, r, "friends.csv", head, func(page func([][]string) error) error {
		return f.people.Each(r.Context(), who.Merchant.ID, q, func(items []channel.FriendItem) error {
			lines := make([][]string, len(items))
			for n, i := range items {
				lines[n] = exportLine(i, names)
			}
			return page(lines)
		})
	})
}

func exportQuery(r *http.Request) (channel.FriendQuery, error) {
	v := r.URL.Query()
	in := FriendFilter{State: v.Get("state"), Linked: v.Get("linked"), Consent: v.Get("consent"), Tag: v.Get("tag"),
		QRCode: v.Get("qr_code"), Tester: v.Get("tester")}
	if from, err := time.Parse(time.RFC3339, v.Get("from")); err == nil {
		in.From = from
	}
	return in.query(InChannel{ChannelID: r.PathValue("channel")}, "", 0)
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
