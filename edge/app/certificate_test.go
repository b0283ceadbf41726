package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lumo/edge/edgetest"
)

// writeCertificate makes one for this machine, valid in memory of its number only.
func writeCertificate(t *testing.T, dir string, number int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "edge"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{keyFile: {Type: "PRIVATE KEY", Bytes: secret},
		certFile: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// shown is the number of the certificate that a client is shown, 0 = none.
func shown(addr string, version uint16) int64 {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: version,
		MinVersion: tls.VersionTLS10})
	if err != nil {
		return 0
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// The new key may be put in place after the new certificate, and be the older file.
func TestACertificateThatComesInTwoStepsCounts(t *testing.T) {
	t.Parallel()
	core, files, renewed := edgetest.NewCore(t), t.TempDir(), t.TempDir()
	core.Seed()
	certFile, keyFile := writeCertificate(t, files, 1)
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+folder(t),
		"LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_TLS_CERT_FILE="+certFile,
		"LUMO_TLS_KEY_FILE="+keyFile).ready()
	addr := strings.TrimPrefix(p.url, "http://")
	newCert, newKey := writeCertificate(t, renewed, 2)
	made := time.Now().Add(-30 * time.Minute) // the key was made before the certificate came
	if err := os.Chtimes(newKey, made, made); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		from, to string
		want     int64
	}{{newCert, certFile, 1}, {newKey, keyFile, 2}} {
		if err := os.Rename(step.from, step.to); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := shown(addr, tls.VersionTLS13); got != step.want {
				t.Errorf("got certificate %d want %d", got, step.want)
			}
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(p.log.String(), "renewed certificate"); n != 1 {
		t.Errorf("%d complaints about one state of the files", n)
	}
}

func TestRenewedCertificatesCountAtOnce(t *testing.T) {
	t.Parallel()
	core, files := edgetest.NewCore(t), t.TempDir()
	core.Seed()
	certFile, keyFile := writeCertificate(t, files, 1)
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+folder(t),
		"LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_TLS_CERT_FILE="+certFile,
		"LUMO_TLS_KEY_FILE="+keyFile).ready()
	addr := strings.TrimPrefix(p.url, "http://")
	if got := shown(addr, tls.VersionTLS13); got != 1 {
		t.Errorf("got certificate %d want 1", got)
	}
	if got := shown(addr, tls.VersionTLS11); got != 0 {
		t.Error("it speaks TLS 1.1")
	}
	p.url = "https://" + addr
	if status, _, _ := p.do("GET", "/c/"+edgetest.Link(1, 42), ""); status != 302 {
		t.Errorf("got %d", status)
	}
	writeCertificate(t, files, 2)
	if got := shown(addr, tls.VersionTLS13); got != 2 {
		t.Errorf("got certificate %d want the renewed one", got)
	}
	if err := os.WriteFile(certFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shown(addr, tls.VersionTLS13); got != 2 {
		t.Errorf("got certificate %d; a broken file must not end the old one", got)
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.log.String(), "certificate") {
		t.Error("nobody is told of the broken file")
	}
}
