//! The private-key step of a TLS handshake as data: typed operations, their checks, and the bytes to sign.
