//go:build go1.25

package main

import (
	"crypto/tls"
	"fmt"
)

// groupOf is the fields of a report that tell the group, where there is one, and whether it was asked for.
func groupOf(state tls.ConnectionState) string {
	retried := fmt.Sprintf("\tretried=%t", state.HelloRetryRequest)
	if name, ok := groups[state.CurveID]; ok {
		return "\tgroup=" + name + retried
	}
	return retried
}
