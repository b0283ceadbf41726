package media

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lumo/shared/fault"
)

const maxKind = 32 // characters of a media type

// kinds are what an edge hands out: nothing that a browser would run as a page of ours.
func kinds() []string {
	return []string{"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4",
		"audio/mp4", "audio/mpeg", "audio/x-m4a"}
}

// kindOf is a media type without parameters, if it is one of ours.
func kindOf(text string) (string, bool) {
	text, _, _ = strings.Cut(text, ";")
	text = strings.ToLower(strings.TrimSpace(text))
	for _, kind := range kinds() {
		if text == kind {
			return kind, true
		}
	}
	return "", false
}

// fetch brings a file from the core: into a name of its own first, so that half a file is
// never found.
func (m *Cache) fetch(ctx context.Context, h Hash) error {
	const op = "media.fetch"
	kind, body, err := m.c.Source.Media(ctx, h.String())
	if err != nil {
		return err
	}
	defer body.Close()
	kind, ok := kindOf(kind)
	if !ok {
		return fault.New(fault.NotFound, op, "the core gives no picture, film or sound")
	}
	f, err := os.CreateTemp(m.c.Dir, "new-")
	if err != nil {
		return fault.As(fault.Unavailable, op, err)
	}
	size, err := m.write(f, kind, body, h)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(m.c.Dir, h.String()))
	}
	if err != nil {
		return fault.As(fault.Unavailable, op, errors.Join(err, os.Remove(f.Name())))
	}
	m.keep(entry{hash: h, size: size, whole: true})
	return nil
}

// write adds the type as a first line, then the bytes while they are counted and hashed.
func (m *Cache) write(f *os.File, kind string, body io.Reader, h Hash) (int64, error) {
	head, err := io.WriteString(f, kind+"\n")
	if err != nil {
		return 0, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(body, m.c.MaxFile+1))
	switch {
	case err != nil:
		return 0, err
	case n > m.c.MaxFile:
		return 0, errors.New("the file is too large")
	case Hash(sum.Sum(nil)) != h:
		return 0, errors.New("the file is not what its hash says")
	}
	return int64(head) + n, nil
}

// openFile opens a kept file; doubt = hash it before it is trusted.
func openFile(name string, h Hash, doubt bool) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	opened, err := readHead(f)
	if err == nil && doubt {
		err = opened.check(h)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return opened, nil
}

func readHead(f *os.File) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReaderSize(io.LimitReader(f, maxKind), maxKind).ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, ok := kindOf(strings.TrimSuffix(line, "\n"))
	if !ok {
		return nil, errors.New("the file has no head")
	}
	head := int64(len(line))
	return &File{SectionReader: io.NewSectionReader(f, head, info.Size()-head), Type: kind,
		file: f}, nil
}

func (f *File) check(h Hash) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, f.SectionReader); err != nil {
		return err
	}
	if Hash(sum.Sum(nil)) != h {
		return errors.New("the file was damaged")
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}
