package app

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"

	"lumo/shared/fault"
)

// certificate is what the listener shows. Its files are looked at on each handshake, so that
// a renewed certificate counts at once; one that cannot be read leaves the old one at work.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate // guarded by mu
	made   stamps           // guarded by mu: of what is loaded
	bad    stamps           // guarded by mu: of what was last complained of
}

// stamps tell two states of the files apart. A file may be put in place with an older time
// than the one that it replaces.
type stamps struct{ cert, key stamp }

type stamp struct {
	written time.Time
	size    int64
}

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(); err != nil {
		return nil, refuse("LUMO_TLS_CERT_FILE and LUMO_TLS_KEY_FILE do not hold a certificate and its key: " +
			err.Error() + ".")
	}
	return c, nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get,
		NextProtos: []string{"http/1.1"}}
}

func (c *certificate) look() stamps {
	return stamps{stampOf(c.certFile), stampOf(c.keyFile)}
}

// stampOf is zero for a file that is missing.
func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// load is for who holds mu, or is alone. The files are looked at before they are read: what
// changes meanwhile is read once more.
func (c *certificate) load() error {
	made := c.look()
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded, c.made = &loaded, made
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := c.look()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now != c.made {
		if err := c.load(); err != nil && now != c.bad {
			c.bad = now
			c.log.Error("the renewed certificate cannot be read; the old one goes on", "op",
				"app.certificate", "kind", string(fault.Invalid), "error", err.Error())
		}
	}
	return c.loaded, nil
}
