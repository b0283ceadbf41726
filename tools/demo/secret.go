package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/jackc/pgx/v5"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/seed"
)

// needles are what must stand nowhere in the open: keys of the demo shop, LINE user ids,
// customers' emails and phones, tokens. Each is looked for by its shape, or as it is.
func (p *play) needles(ctx context.Context) (map[string]*regexp.Regexp, error) {
	keys := seed.DemoKeys()
	settings, err := p.console.FlowSettings(ctx, p.shop.Channel, p.shop.Message)
	if err != nil {
		return nil, err
	}
	all := map[string]*regexp.Regexp{
		"a LINE user id":       regexp.MustCompile(`\bU[0-9a-f]{32}\b`),
		"an email":             regexp.MustCompile(`[a-z]@(customer|hanatea)\.example`),
		"a phone":              regexp.MustCompile(`\+81\d{8,}`),
		"a key of a flow":      regexp.MustCompile(`lfk_\d+_[\w-]{20,}`),
		"a bearer token":       regexp.MustCompile(`(?i)bearer [\w.-]{12,}`),
		"a web token":          regexp.MustCompile(`\beyJ[\w-]{10,}\.[\w-]{10,}`),
		"the owner's password": regexp.MustCompile(regexp.QuoteMeta(p.shop.Password)),
	}
	for what, secret := range map[string]string{"the flow key": settings.Key, "the messaging secret": keys.MessagingSecret,
		"the login secret": keys.LoginSecret, "Klaviyo's client secret": klaviyotest.DemoAccount.ClientSecret} {
		all[what] = regexp.MustCompile(regexp.QuoteMeta(secret))
	}
	return all, nil
}

// secrets looks into what the story left behind: logs, the edge's disk, every open column.
func (p *play) secrets(ctx context.Context) (string, error) {
	needles, err := p.needles(ctx)
	if err != nil {
		return "", err
	}
	files, err := p.searchFiles(needles, "log/lumo-core.log", "log/lumo-edge.log", "edge")
	if err != nil {
		return "", err
	}
	rows, err := searchDatabase(ctx, p.stack.DatabaseURL(), needles)
	return fmt.Sprintf("%d files and %d rows without a key, a token, a LINE id, an email or a phone", files, rows), err
}

func (p *play) searchFiles(needles map[string]*regexp.Regexp, places ...string) (files int, err error) {
	for _, place := range places {
		err := filepath.WalkDir(filepath.Join(p.stack.Dir, place), func(name string, d fs.DirEntry, err error) error {
			if d != nil && d.IsDir() && d.Name() == "compiled" {
				return fs.SkipDir // machine code of the modules
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			files++
			return search(needles, name, bytes.TrimRight(text, "\x00")) // logs on disk are laid out ahead
		})
		if err != nil {
			return files, err
		}
	}
	return files, nil
}

// searchDatabase reads every row of every table as text, as whoever steals a backup would.
func searchDatabase(ctx context.Context, url string, needles map[string]*regexp.Regexp) (rows int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	found, _ := conn.Query(ctx, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname = 'public'`)
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return 0, err
	}
	for _, table := range tables {
		found, _ := conn.Query(ctx, "SELECT t::text FROM "+table+" t") // regclass quotes the name
		all, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			return rows, err
		}
		for _, row := range all {
			rows++
			if err := search(needles, "a row of "+table, []byte(row)); err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

func search(needles map[string]*regexp.Regexp, place string, text []byte) error {
	for what, needle := range needles {
		if at := needle.FindIndex(text); at != nil {
			around := text[max(0, at[0]-60):at[0]]
			return fmt.Errorf("%s stands in %s, after %q", what, place, around)
		}
	}
	return nil
}
