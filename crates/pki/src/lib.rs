//! Private CAs and certificates for the channel, the demo and the tests.
