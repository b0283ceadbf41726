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
	made   time.Time        // guarded by mu: the newest change that was tried
}

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.made = c.changed()
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

// changed is when the younger of the two files was written, zero when one is missing.
func (c *certificate) changed() time.Time {
	cert, err := os.Stat(c.certFile)
	if err != nil {
		return time.Time{}
	}
	key, err := os.Stat(c.keyFile)
	if err != nil {
		return time.Time{}
	}
	if key.ModTime().After(cert.ModTime()) {
		return key.ModTime()
	}
	return cert.ModTime()
}

// load is for who holds mu, or is alone.
func (c *certificate) load() error {
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded = &loaded
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	made := c.changed()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !made.IsZero() && !made.Equal(c.made) {
		c.made = made
		if err := c.load(); err != nil {
			c.log.Error("the renewed certificate cannot be read; the old one goes on", "op",
				"app.certificate", "kind", string(fault.Invalid), "error", err.Error())
		}
	}
	return c.loaded, nil
}
