//! The operations from outside: every check broken once, signatures verified, RSA padding of every
//! kind, bytes of every kind.

mod certificate_request;
mod codec;
mod compressed_certificate;
mod delegate_credential;
mod delegated_credential;
mod raw;
mod remote;
mod rsa_padding;
mod signatures;
mod support;
mod tls12_client_certificate_verify;
mod tls12_rsa_master_secret;
mod tls12_server_key_exchange;
mod tls13_client_certificate_verify;
mod tls13_server_certificate_verify;
mod tls13_transcript_hash;
#[cfg(target_os = "linux")]
mod wiped;
