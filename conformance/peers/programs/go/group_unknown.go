//go:build !go1.25

package main

import "crypto/tls"

// groupOf is empty: before Go 1.25 a connection does not tell its group.
func groupOf(tls.ConnectionState) string { return "" }
