// Shakes hands with crypto/tls as lines on standard input say; see src/matrix/peers/lines.rs.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	request  = "GET / HTTP/1.0\r\n\r\n"
	answer   = "HTTP/1.0 200 OK\r\n\r\nserved\n"
	patience = 20 * time.Second
)

// By number, so that an older Go compiles this as well.
var groups = map[tls.CurveID]string{
	0x11ec: "X25519MLKEM768",
	0x001d: "x25519",
	0x0017: "secp256r1",
	0x0018: "secp384r1",
	0x0019: "secp521r1",
}

type job map[string]string

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		j := job{}
		for _, field := range strings.Split(lines.Text(), "\t") {
			key, value, _ := strings.Cut(field, "=")
			j[key] = value
		}
		if err := j.run(); err != nil {
			fmt.Printf("failed\t%s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("done")
		}
	}
}

func (j job) run() error {
	switch j["role"] {
	case "describe":
		return describe()
	case "client":
		return j.client()
	case "server":
		return j.server()
	}
	return fmt.Errorf("unknown role %q", j["role"])
}

func describe() error {
	version := strings.Split(strings.TrimPrefix(runtime.Version(), "go"), ".")
	fmt.Printf("product\tGo %s\n", strings.Join(version[:2], "."))
	suites := []string{"suites"}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, suite.Name)
	}
	fmt.Println(strings.Join(suites, "\t"))
	for number, version := range map[string]uint16{"1.3": tls.VersionTLS13, "1.2": tls.VersionTLS12} {
		known := []string{"groups", number}
		for group, name := range groups {
			if offers(group, version) {
				known = append(known, name)
			}
		}
		fmt.Println(strings.Join(known, "\t"))
	}
	fmt.Println("certificates\trsa2048\tp256\tp384\tp521\ted25519")
	return nil
}

// offers tells whether a client can be made to write a ClientHello with this group.
func offers(group tls.CurveID, version uint16) bool {
	here, there := net.Pipe()
	defer there.Close()
	hello := make(chan bool, 1)
	go func() {
		seen := false
		tls.Server(there, &tls.Config{
			GetConfigForClient: func(info *tls.ClientHelloInfo) (*tls.Config, error) {
				for _, offered := range info.SupportedCurves {
					seen = seen || offered == group
				}
				return nil, io.EOF
			},
		}).Handshake()
		there.Close()
		hello <- seen
	}()
	tls.Client(here, &tls.Config{
		MinVersion: version, MaxVersion: version, CurvePreferences: []tls.CurveID{group}, InsecureSkipVerify: true,
	}).Handshake()
	here.Close()
	return <-hello
}

func (j job) config() (*tls.Config, error) {
	version := uint16(tls.VersionTLS12)
	if j["version"] == "1.3" {
		version = tls.VersionTLS13
	}
	suite, err := strconv.ParseUint(j["suite_code"], 10, 16)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: version, MaxVersion: version, CipherSuites: []uint16{uint16(suite)}}
	for _, code := range strings.FieldsFunc(j["group_codes"], func(r rune) bool { return r == ',' }) {
		group, err := strconv.ParseUint(code, 10, 16)
		if err != nil {
			return nil, err
		}
		// Behind P-256 in Go's own order, P-384 would not be what the client begins with.
		if j["role"] == "client" && j["flow"] == "HelloRetryRequest" && j["group"] == "secp256r1" && group == 0x0018 {
			group = 0x001d
		}
		config.CurvePreferences = append(config.CurvePreferences, tls.CurveID(group))
		// To a server the curves of certificates need not be named, and their order is no preference.
		if j["role"] == "server" {
			break
		}
	}
	authority, err := os.ReadFile(j["ca"])
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	config.RootCAs, config.ClientCAs = pool, pool
	if j["certificate"] != "" {
		pair, err := tls.LoadX509KeyPair(j["certificate"], j["key"])
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (j job) client() error {
	config, err := j.config()
	if err != nil {
		return err
	}
	config.ServerName = j["host"]
	config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	return j.each(func() error {
		socket, err := net.DialTimeout("tcp", "127.0.0.1:"+j["port"], patience)
		if err != nil {
			return err
		}
		defer socket.Close()
		socket.SetDeadline(time.Now().Add(patience))
		connection := tls.Client(socket, config)
		if _, err := connection.Write([]byte(request)); err != nil {
			return err
		}
		got, err := io.ReadAll(connection)
		if err != nil {
			return err
		}
		if string(got) != answer {
			return fmt.Errorf("the answer is %q", got)
		}
		report(connection.ConnectionState())
		return connection.Close()
	})
}

func (j job) server() error {
	config, err := j.config()
	if err != nil {
		return err
	}
	if j["client_auth"] == "true" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Printf("listening\t%d\n", listener.Addr().(*net.TCPAddr).Port)
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	return j.each(func() error {
		socket, err := listener.Accept()
		if err != nil {
			return err
		}
		defer socket.Close()
		socket.SetDeadline(time.Now().Add(patience))
		connection := tls.Server(socket, config)
		got := make([]byte, len(request))
		if _, err := io.ReadFull(connection, got); err != nil {
			return err
		}
		if string(got) != request {
			return fmt.Errorf("the request is %q", got)
		}
		if _, err := connection.Write([]byte(answer)); err != nil {
			return err
		}
		report(connection.ConnectionState())
		if _, err := io.ReadAll(connection); err != nil {
			return err
		}
		return connection.Close()
	})
}

func (j job) each(connection func() error) error {
	connections, err := strconv.Atoi(j["connections"])
	if err != nil {
		return err
	}
	for i := 1; i <= connections; i++ {
		if err := connection(); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return nil
}

func report(state tls.ConnectionState) {
	version := map[uint16]string{tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}[state.Version]
	peer := ""
	if len(state.PeerCertificates) > 0 {
		peer = state.PeerCertificates[0].Subject.CommonName
	}
	fmt.Printf("connection\tversion=%s\tsuite=%s\tresumed=%t\tpeer=%s%s\n",
		version, tls.CipherSuiteName(state.CipherSuite), state.DidResume, peer, groupOf(state))
}
