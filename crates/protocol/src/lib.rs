//! The wire between edge and key server.
