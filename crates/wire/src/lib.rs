//! The TLS presentation language: every handshake message and extension as a type.
