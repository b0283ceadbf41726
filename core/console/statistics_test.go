package console

import (
	"slices"
	"testing"
)

func TestStatisticsAsCSVAreThoseOfThePageAndHarmless(t *testing.T) {
	t.Parallel()
	sums := SumsView{Sent: 40, Failed: 2, NotSent: 3, Opened: 20, Clicks: 7, Raw: 12, Suspect: 4, Clickers: 6}
	numbers := []string{"40", "2", "3", "20", "7", "12", "4", "6"}
	v := StatisticsView{Total: sums, Days: []DaySumsView{{"2026-11-24", sums}},
		Messages: []MessageSumsView{{ID: "msg_1", Name: "=HYPERLINK(\"https://evil.example\")", SumsView: sums}},
		Links:    []LinkSumsView{{"", 3, "https://shop.example/tea", 7, 12, 4, 6}},
		Codes:    []CodeSumsView{{"", "qrc_1", "@counter", 9, 5, 2}}}
	for by, want := range map[string][]string{
		"day":     append([]string{"2026-11-24"}, numbers...),
		"message": append([]string{"msg_1", "'=HYPERLINK(\"https://evil.example\")"}, numbers...),
		"link":    {"https://shop.example/tea", "7", "12", "4", "6"},
		"code":    {"qrc_1", "'@counter", "9", "5", "2"},
	} {
		rows := table(v, by)
		if len(rows) != 2 || !slices.Equal(rows[1], want) || len(rows[0]) != len(want) {
			t.Errorf("%s: got %q want %q", by, rows, want)
		}
	}
	if table(v, "person") != nil {
		t.Error("there is a table that nobody asked for")
	}
}
