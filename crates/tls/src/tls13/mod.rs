//! What both sides of TLS 1.3 do the same way.

pub(crate) mod certificate;
mod traffic;

pub(crate) use certificate::CertificateMessages;
pub(crate) use traffic::Traffic;
