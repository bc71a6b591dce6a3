//! A sans-IO TLS 1.2 and 1.3 engine that asks for the private-key step instead of calling it.
