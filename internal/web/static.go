package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed static/*.css static/*.js static/*.svg
var staticFiles embed.FS

// assets are the static files, by names that change with their content, so that a browser may keep them for ever.
type assets struct {
	urls  map[string]string // by the name of the file
	files map[string]asset  // by the last part of the URL
}

type asset struct {
	kind        string
	plain, gzip []byte
}

// loadAssets reads the files that are compiled in, once. Pictures come first: style sheets name them.
var loadAssets = sync.OnceValue(func() *assets {
	a := &assets{urls: map[string]string{}, files: map[string]asset{}}
	for _, pattern := range []string{"*.svg", "*.css", "*.js"} {
		names, err := fs.Glob(staticFiles, "static/"+pattern)
		if err != nil {
			panic(err)
		}
		for _, name := range names {
			data, err := staticFiles.ReadFile(name)
			if err != nil {
				panic(err)
			}
			a.add(path.Base(name), data)
		}
	}
	return a
})

func (a *assets) add(name string, data []byte) {
	for other, url := range a.urls {
		data = bytes.ReplaceAll(data, []byte("url("+other+")"), []byte("url("+url+")"))
	}
	sum := sha256.Sum256(data)
	base, ext, _ := strings.Cut(name, ".")
	hashed := fmt.Sprintf("%s.%s.%s", base, hex.EncodeToString(sum[:6]), ext)
	a.urls[name] = "/static/" + hashed
	a.files[hashed] = asset{kind: mime.TypeByExtension(path.Ext(name)), plain: data, gzip: compress(data)}
}

func compress(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	w.Write(data)                                         // a buffer takes everything
	w.Close()                                             // as above
	return b.Bytes()
}

// url is where a file is.
func (a *assets) url(name string) string { return a.urls[name] }

// ServeHTTP serves a file under the name that belongs to its content.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := file.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.gzip
	}
	w.Write(body) // whoever asked is gone
}
