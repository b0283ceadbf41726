package main

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// dist holds the built pages; without them the simulator is still controlled by its API.
//
//go:embed all:ui/dist
var dist embed.FS

const notBuilt = "The simulator's pages are not built into this program. Run make build.\n"

// pages serves files by name and the one page for everything else below /phone and /klaviyo.
func pages() http.Handler {
	files, err := fs.Sub(dist, "ui/dist")
	if err != nil {
		return http.NotFoundHandler()
	}
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		first, _, _ := strings.Cut(name, "/")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch info, err := fs.Stat(files, name); {
		case name == "":
			http.Redirect(w, r, "/phone", http.StatusFound)
		case err == nil && !info.IsDir() && name != "index.html" && name != ".keep":
			if strings.HasPrefix(name, "assets/") { // named by their content
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			server.ServeHTTP(w, r)
		case first == "phone" || first == "klaviyo":
			onePage(w, files)
		default:
			http.NotFound(w, r)
		}
	})
}

func onePage(w http.ResponseWriter, files fs.FS) {
	page, err := fs.ReadFile(files, "index.html")
	if err != nil {
		http.Error(w, notBuilt, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(page)
}
