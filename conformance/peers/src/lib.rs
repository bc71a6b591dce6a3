//! Drivers of real TLS peers (openssl, curl, GnuTLS, Python, Chromium, rustls) for the interoperability tests.
