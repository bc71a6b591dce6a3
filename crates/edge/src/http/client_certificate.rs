//! What the service is told about a client's certificate (RFC 9440).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{HeaderMap, HeaderName, VARY};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// The header fields of one client, made once a connection.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    leaf: HeaderValue,
    chain: Option<HeaderValue>,
}

impl ClientCertificate {
    /// From the chain that the client has presented and the edge has found good; `None` if there is none.
    pub(crate) fn new(presented: &[CertificateDer<'_>]) -> Option<Self> {
        let leaf = HeaderValue::from_str(&byte_sequence(presented.first()?)).ok()?;
        // RFC 9440 §2.3: "Each item in the List MUST be a Byte Sequence encoded as described in
        // Section 2.1. The order is the same as the ordering in TLS"; "it does not itself include the
        // end-entity certificate that is already present in Client-Cert."
        let items: Vec<String> = issuers(presented).map(byte_sequence).collect();
        let chain = (!items.is_empty()).then(|| HeaderValue::from_str(&items.join(", ")));
        Some(Self {
            leaf,
            chain: chain.and_then(Result::ok),
        })
    }

    /// Adds the fields to a request that has none of them any more.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(CLIENT_CERT, self.leaf.clone());
        if let Some(chain) = &self.chain {
            headers.insert(CLIENT_CERT_CHAIN, chain.clone());
        }
    }
}

/// RFC 9440 §2.1: "the binary DER certificate is encoded using base64 (without line breaks, spaces, or
/// other characters outside the base64 alphabet) and delimited with colons on either side."
fn byte_sequence(certificate: &CertificateDer<'_>) -> String {
    format!(":{}:", STANDARD.encode(certificate))
}

/// What follows the leaf as far as each has issued the one before. What else a client sends has had no part
/// in its being believed, and is not for the service to find among what has.
fn issuers<'a>(
    presented: &'a [CertificateDer<'a>],
) -> impl Iterator<Item = &'a CertificateDer<'a>> {
    let links = presented.windows(2).take_while(|link| {
        let (Ok((_, subject)), Ok((_, issuer))) = (
            X509Certificate::from_der(&link[0]),
            X509Certificate::from_der(&link[1]),
        ) else {
            return false;
        };
        subject.issuer().as_raw() == issuer.subject().as_raw()
    });
    links.map(|link| &link[1])
}

/// RFC 9440 §2.4: "If a TTRP encounters a response with Client-Cert or Client-Cert-Chain in the Vary header
/// field (Section 12.5.5 of [HTTP]), it SHOULD prevent the user agent from caching the response by
/// transforming the value of the Vary response header field to "*"."
pub(super) fn guard_caches(headers: &mut HeaderMap) {
    let fields = headers.get_all(VARY).iter();
    let mut names = fields
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    let varies = names.any(|name| {
        let is = |field: &HeaderName| name.eq_ignore_ascii_case(field.as_str());
        is(&CLIENT_CERT) || is(&CLIENT_CERT_CHAIN)
    });
    if varies {
        headers.insert(VARY, HeaderValue::from_static("*"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_issued_follows_the_leaf() {
        let root = keyward_pki::Authority::new("root").unwrap();
        let other = keyward_pki::Authority::new("other").unwrap();
        let leaf = root.issue_client("client.example").unwrap().chain_der;
        let chain = [
            leaf[0].clone(),
            root.ca_der().clone(),
            other.ca_der().clone(),
        ];
        let told = ClientCertificate::new(&chain).unwrap();
        assert_eq!(told.leaf, byte_sequence(&leaf[0]));
        assert_eq!(told.chain.unwrap(), byte_sequence(root.ca_der()));

        let chain = [leaf[0].clone(), other.ca_der().clone()];
        assert!(ClientCertificate::new(&chain).unwrap().chain.is_none());
        assert!(ClientCertificate::new(&[]).is_none());
    }

    #[test]
    fn what_depends_on_the_certificate_is_not_cached() {
        for (vary, after) in [
            ("accept", "accept"),
            ("accept, client-cert", "*"),
            ("Client-Cert-Chain", "*"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(VARY, HeaderValue::from_static(vary));
            guard_caches(&mut headers);
            assert_eq!(headers[VARY], after);
        }
    }
}
