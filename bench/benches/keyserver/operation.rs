//! A real operation, as an edge sends it: taken from a handshake of the engine with rustls.

use std::sync::Arc;

use keyward_bench::Result;
use keyward_bench::client::{Client, Offer};
use keyward_keyop::Operation;
use keyward_pki::{Authority, Issued};
use keyward_tls::{
    CertificateAnswer, Credential, Need, Policy, ServerConfig, ServerConnection, Step, UnixTime,
};
use keyward_wire::codec::Encode;
use rustls::NamedGroup;
use rustls::version::TLS13;

/// The encoded `Tls13ServerCertificateVerify` of a full handshake. A key server keeps nothing between operations, so the
/// same one can be asked any number of times.
pub(crate) fn certificate_verify(authority: &Authority, issued: &Issued) -> Result<Vec<u8>> {
    let client = Client::new(
        authority.ca_der(),
        Offer {
            version: &TLS13,
            group: NamedGroup::X25519MLKEM768,
            aes256: false,
        },
    )?;
    let mut client_hello = Vec::new();
    client.connect()?.send(&mut client_hello)?;

    let certificate = Arc::new(Credential::new(issued.chain_der.clone())?);
    let mut engine = ServerConnection::new(Arc::new(ServerConfig::default()))?;
    engine.receive(&client_hello);
    loop {
        let answer = match engine.step(UnixTime::now())? {
            Step::Need(Need::Certificate(need)) => need.answer(Ok(CertificateAnswer {
                candidates: vec![certificate.clone()],
                policy: Arc::new(Policy::intermediate()),
                ..CertificateAnswer::default()
            })),
            Step::Need(Need::KeyOperation(need)) => return Ok(encoded(need.operation())),
            other => return Err(format!("unexpected before the key operation: {other:?}").into()),
        };
        engine.answer(answer)?;
    }
}

fn encoded(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    operation.encode(&mut bytes);
    bytes
}
