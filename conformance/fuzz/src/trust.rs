//! Certificates and OCSP responses from peers, against a CA that signed one certificate.

use std::sync::LazyLock;

use keyward_tls::UnixTime;
use keyward_trust::{Presented, Rejection, Roots, Trust};
use keyward_wire::codec::Reader;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

const CA: &[u8] = include_bytes!("../../../crates/trust/tests/data/openssl/ca.pem");
const LEAF: &[u8] = include_bytes!("../../../crates/trust/tests/data/openssl/leaf.pem");
/// 2027-06-01: what the CA made is valid then.
const NOW: UnixTime = UnixTime::from_secs(1_811_808_000);

static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::new(Roots::parse(CA).expect("a CA")));

/// The one certificate that the CA signed.
pub fn leaf() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(LEAF).expect("a certificate")
}

/// One input: `opaque ocsp<0..2^16-1>`, then each certificate as `opaque<0..2^16-1>`.
pub fn run(data: &[u8]) {
    let mut reader = Reader::new(data);
    let any = 0..=usize::from(u16::MAX);
    let Ok(ocsp) = reader.opaque_u16("ocsp", any.clone()) else {
        return;
    };
    let mut chain = Vec::new();
    while let Ok(certificate) = reader.opaque_u16("certificate", any.clone()) {
        chain.push(CertificateDer::from(certificate));
        if chain.len() == 8 {
            break;
        }
    }
    let name = ServerName::try_from("shop.example").expect("a name");
    let presented =
        Presented::by_server(&chain, name).with_ocsp((!ocsp.is_empty()).then_some(ocsp));
    let verdict = TRUST.verify(presented.clone(), NOW);
    if verdict.is_ok() {
        assert_eq!(
            chain[0],
            leaf(),
            "a certificate that nobody signed is trusted"
        );
        assert!(!ocsp.is_empty(), "the certificate has to be stapled");
    }
    // What is shown to people says the same, and nothing that a terminal would take for a command.
    let report = TRUST.report(presented, NOW);
    assert_eq!(report.rejections.first().cloned(), verdict.err());
    for text in report.rejections.iter().map(Rejection::to_string) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    for link in &report.links {
        let names = link.names.iter().chain([&link.subject, &link.issuer]);
        for text in names {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}
