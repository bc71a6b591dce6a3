//! What both sides of TLS 1.3 do the same way.

mod traffic;

pub(crate) use traffic::Traffic;
