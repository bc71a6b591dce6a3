//! A small public-key infrastructure whose every part a test can alter.

use keyward_tls::UnixTime;
use keyward_trust::{Presented, Rejection, Roots, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls_pki_types::{CertificateDer, ServerName};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

pub(crate) type Ca = CertifiedIssuer<'static, KeyPair>;

/// The time of every test.
pub(crate) const NOW: OffsetDateTime = datetime!(2027-06-01 00:00 UTC);
pub(crate) const NAME: &str = "shop.example";

pub(crate) fn at(time: OffsetDateTime) -> UnixTime {
    UnixTime::from_secs(time.unix_timestamp().try_into().unwrap())
}

pub(crate) fn now() -> UnixTime {
    at(NOW)
}

/// A root, a CA below it, and the server's certificate from that.
pub(crate) struct Pki {
    pub(crate) root: Ca,
    pub(crate) intermediate: Ca,
    pub(crate) leaf: CertificateDer<'static>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, |_| {}, |_| {})
    }

    pub(crate) fn with_leaf(alter: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with(|_| {}, |_| {}, alter)
    }

    pub(crate) fn with_intermediate(alter: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with(|_| {}, alter, |_| {})
    }

    pub(crate) fn with(
        alter_root: impl FnOnce(&mut CertificateParams),
        alter_intermediate: impl FnOnce(&mut CertificateParams),
        alter_leaf: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = authority("Root");
        alter_root(&mut params);
        let root = Ca::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = authority("Intermediate");
        alter_intermediate(&mut params);
        let intermediate = Ca::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
        let mut params = server();
        alter_leaf(&mut params);
        let leaf = issue(&params, &intermediate);
        Self {
            root,
            intermediate,
            leaf,
        }
    }

    /// What a server sends.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.leaf.clone(), self.intermediate.der().clone()]
    }

    pub(crate) fn trust(&self) -> Trust {
        trust(&[self.root.der()])
    }

    /// Verifies the chain as a client does that asked for `shop.example`.
    pub(crate) fn verify(&self) -> Result<(), Rejection> {
        verify(&self.trust(), &self.chain())
    }

    pub(crate) fn verify_client(&self) -> Result<(), Rejection> {
        self.trust()
            .verify(Presented::by_client(&self.chain()), now())
    }
}

pub(crate) fn trust(roots: &[&CertificateDer<'static>]) -> Trust {
    Trust::new(Roots::new(roots.iter().map(|root| (*root).clone()).collect()).unwrap())
}

pub(crate) fn name(name: &str) -> ServerName<'_> {
    ServerName::try_from(name).unwrap()
}

pub(crate) fn verify(trust: &Trust, chain: &[CertificateDer<'_>]) -> Result<(), Rejection> {
    trust.verify(Presented::by_server(chain, name(NAME)), now())
}

pub(crate) fn issue(params: &CertificateParams, issuer: &Ca) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, issuer).unwrap().der().clone()
}

pub(crate) fn authority(common_name: &str) -> CertificateParams {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn server() -> CertificateParams {
    let mut params = params(NAME);
    params.subject_alt_names = vec![dns(NAME)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.serial_number = Some(SerialNumber::from(0x1001_u64));
    params
}

pub(crate) fn dns(name: &str) -> rcgen::SanType {
    rcgen::SanType::DnsName(name.try_into().unwrap())
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = NOW - Duration::days(30);
    params.not_after = NOW + Duration::days(60);
    params
}

/// That the text says all of this.
#[track_caller]
pub(crate) fn assert_says(rejection: &Rejection, words: &[&str]) {
    let text = rejection.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

/// A DER value of at most 127 bytes.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 128);
    [&[tag, length], content].concat()
}
