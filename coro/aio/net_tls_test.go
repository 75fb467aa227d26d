package aio_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// tlsConfig has a certificate that nobody need believe.
func tlsConfig(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		InsecureSkipVerify: true,
	}
}

func TestConnTLS(t *testing.T) {
	config := tlsConfig(t)
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		x, y := dialPair(t, "tcp", "127.0.0.1:0")
		a, b := aio.NewConn(tls.Client(x, config)), aio.NewConn(tls.Server(y, config))
		data := bytes.Repeat([]byte("secret"), 100_000)
		l.Go(func(self *coro.Self) error {
			_, err := a.Write(self, data)
			return errors.Join(err, a.CloseWrite())
		})
		l.Go(func(self *coro.Self) error {
			got, err := io.ReadAll(b.Bind(self))
			if !bytes.Equal(data, got) {
				t.Error("other data came out than went in")
			}
			return err
		})
		runNet(t, l)
	})
}

// TestConnTLSStuckHandshake has reader and writer wait for a handshake that never
// comes, the one for the other, and cancels them in either order.
func TestConnTLSStuckHandshake(t *testing.T) {
	config := tlsConfig(t)
	for _, readerFirst := range []bool{false, true} {
		netLoops(t, func(t *testing.T, l *aio.Loop) {
			x, y := dialPair(t, "tcp", "127.0.0.1:0")
			defer y.Close()
			a := aio.NewConn(tls.Client(x, config))
			var tasks [2]*aio.Task
			wait := func(i int) {
				tasks[i] = l.Go(func(self *coro.Self) error {
					if i == 0 {
						_, err := a.Read(self, make([]byte, 1))
						return err
					}
					_, err := a.Write(self, make([]byte, 1))
					return err
				})
			}
			first, second := 1, 0
			if readerFirst {
				first, second = 0, 1
			}
			wait(first)
			wait(second)
			l.Go(func(self *coro.Self) error {
				for range 3 {
					aio.Yield(self)
				}
				tasks[second].Cancel(errEnough)
				tasks[second].Wait(self)
				tasks[first].Cancel(errEnough)
				tasks[first].Wait(self)
				return nil
			})
			if err := tryRunNet(l); err != nil && !errors.Is(err, errEnough) {
				var ne net.Error
				if !errors.As(err, &ne) {
					t.Errorf("Run = %v", err)
				}
			}
		})
	}
}
