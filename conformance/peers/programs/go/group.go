//go:build go1.25

package main

import "crypto/tls"

// groupOf is the field of a report that tells the group, where there is one.
func groupOf(state tls.ConnectionState) string {
	if name, ok := groups[state.CurveID]; ok {
		return "\tgroup=" + name
	}
	return ""
}
