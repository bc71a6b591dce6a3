//! Clients' certificates from a CA of their own, and its revocation lists.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A root that lives in files, and an intermediate CA that clients send along.
pub(crate) struct Clients {
    root: Ca,
    intermediate: Ca,
}

impl Clients {
    pub(crate) fn new(name: &str) -> Self {
        let root = Ca::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap();
        let below = authority(&format!("{name} intermediate"));
        let intermediate = Ca::signed_by(below, KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, intermediate }
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.root.pem()
    }

    /// A certificate that is good for a month from `begin` on, with its chain and key.
    pub(crate) fn issue(
        &self,
        serial: u64,
        begin: OffsetDateTime,
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("client {serial}"));
        params.not_before = begin;
        params.not_after = begin + Duration::days(30);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.intermediate).unwrap();
        let chain = vec![leaf.der().clone(), self.intermediate.der().clone()];
        (chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    /// One that is good now.
    pub(crate) fn good(
        &self,
        serial: u64,
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        self.issue(serial, OffsetDateTime::now_utc() - Duration::days(1))
    }
}

/// The lists of both CAs: of the clients, those with these serial numbers are revoked.
pub(crate) fn revocations(clients: &Clients, revoked: &[u64]) -> String {
    let list = |issuer: &Ca, revoked: &[u64]| {
        let now = OffsetDateTime::now_utc();
        let params = CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            next_update: now + Duration::days(1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: now - Duration::hours(2),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(issuer).unwrap().pem().unwrap()
    };
    list(&clients.root, &[]) + &list(&clients.intermediate, revoked)
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
