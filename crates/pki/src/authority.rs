//! A certificate authority with its key in memory.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::{KeyAlgorithm, PkiError, write_private, write_public};

/// Clocks differ: what is issued now is valid for a peer whose clock is an hour behind.
const BACKDATED: Duration = Duration::hours(1);
const AUTHORITY_DAYS: u16 = 3650;
/// What browsers accept at most, rounded down.
const LEAF_DAYS: u16 = 397;

/// A certificate authority: a self-signed certificate and its ECDSA P-256 key.
pub struct Authority {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a certificate is for (its extended key usages).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `serverAuth`
    Server,
    /// `clientAuth`
    Client,
}

/// What to issue. [`Authority::issue_server`] and [`Authority::issue_client`] are the short forms.
#[derive(Clone, Debug)]
pub struct Request {
    /// DNS names (also wildcards) and IP addresses; the first is the subject's common name.
    pub names: Vec<String>,
    /// The kind of key to generate.
    pub algorithm: KeyAlgorithm,
    /// Server or client.
    pub usage: Usage,
    /// Days until it expires.
    pub days: u16,
    /// Whether it has the extension DelegationUsage (RFC 9345 §4.2): its key may sign delegated credentials.
    pub delegates: bool,
}

impl Request {
    /// A certificate for `names` that is valid for 397 days.
    pub fn new<N: AsRef<str>>(names: &[N], algorithm: KeyAlgorithm, usage: Usage) -> Self {
        Self {
            names: names.iter().map(|name| name.as_ref().to_owned()).collect(),
            algorithm,
            usage,
            days: LEAF_DAYS,
            delegates: false,
        }
    }
}

/// A certificate with the private key that was made for it.
pub struct Issued {
    /// The certificate as PEM (the CA is not in it: peers have it already).
    pub chain_pem: String,
    /// The private key, PKCS#8 as PEM.
    pub key_pem: Zeroizing<String>,
    /// The certificate as DER.
    pub chain_der: Vec<CertificateDer<'static>>,
    /// The private key, PKCS#8 as DER.
    pub key_der: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new authority, valid for ten years. `name` becomes its common name.
    ///
    /// # Errors
    ///
    /// [`PkiError::Certificate`] if the name does not fit a certificate.
    pub fn new(name: &str) -> Result<Self, PkiError> {
        let key = KeyAlgorithm::P256.generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        set_validity(&mut params, AUTHORITY_DAYS);
        // No further CA below this one.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads `ca.pem` and `ca.key` from a directory, as [`init`](crate::init) wrote them.
    ///
    /// # Errors
    ///
    /// [`PkiError::File`] names the file that cannot be read, [`PkiError::InvalidAuthority`] says
    /// what is wrong with the content.
    pub fn load(dir: &Path) -> Result<Self, PkiError> {
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).map_err(|cause| PkiError::file("read", &path, cause))
        };
        let certificate_pem = read("ca.pem")?;
        let key_pem = Zeroizing::new(read("ca.key")?);

        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|cause| PkiError::InvalidAuthority(format!("ca.pem: {cause}")))?;
        let key = KeyPair::from_pem(&key_pem)
            .map_err(|cause| PkiError::InvalidAuthority(format!("ca.key: {cause}")))?;
        if !contains_public_key(&certificate, &key) {
            return Err(PkiError::InvalidAuthority(
                "ca.key is not the key of ca.pem".to_owned(),
            ));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|cause| PkiError::InvalidAuthority(format!("ca.pem: {cause}")))?;
        if !issuer.key_usages().contains(&KeyUsagePurpose::KeyCertSign) {
            return Err(PkiError::InvalidAuthority(
                "ca.pem is not a CA's certificate (no keyCertSign)".to_owned(),
            ));
        }
        Ok(Self {
            certificate,
            certificate_pem,
            issuer,
        })
    }

    /// Writes `ca.pem` and `ca.key` (mode 0600) into a directory.
    ///
    /// # Errors
    ///
    /// [`PkiError::Exists`] if one of them is there already.
    pub fn save(&self, dir: &Path) -> Result<(), PkiError> {
        write_private(&dir.join("ca.key"), self.key_pem().as_bytes())?;
        write_public(&dir.join("ca.pem"), self.certificate_pem.as_bytes())
    }

    /// The CA's certificate as PEM: what clients are told to trust.
    pub fn ca_pem(&self) -> String {
        self.certificate_pem.clone()
    }

    /// The CA's certificate as DER.
    pub fn ca_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// A server's certificate (`serverAuth`) for DNS names and IP addresses.
    ///
    /// # Errors
    ///
    /// [`PkiError::InvalidName`], [`PkiError::NoNames`].
    pub fn issue_server<N: AsRef<str>>(
        &self,
        names: &[N],
        algorithm: KeyAlgorithm,
    ) -> Result<Issued, PkiError> {
        self.issue(&Request::new(names, algorithm, Usage::Server))
    }

    /// A client's certificate (`clientAuth`) with an ECDSA P-256 key. An edge is known to its key
    /// server by this name.
    ///
    /// # Errors
    ///
    /// [`PkiError::InvalidName`].
    pub fn issue_client(&self, name: &str) -> Result<Issued, PkiError> {
        self.issue(&Request::new(&[name], KeyAlgorithm::P256, Usage::Client))
    }

    /// Makes a key and a certificate for it.
    ///
    /// # Errors
    ///
    /// [`PkiError::InvalidName`], [`PkiError::NoNames`], [`PkiError::KeyGeneration`].
    pub fn issue(&self, request: &Request) -> Result<Issued, PkiError> {
        let common_name = request.names.first().ok_or(PkiError::NoNames)?;
        let key = request.algorithm.generate()?;

        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name.as_str());
        params.subject_alt_names = request
            .names
            .iter()
            .map(|name| subject_alt_name(name))
            .collect::<Result<_, _>>()?;
        set_validity(&mut params, request.days);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match request.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        if request.usage == Usage::Server && request.algorithm.is_rsa() {
            // RFC 5246 §7.4.2, RSA key exchange: "the keyEncipherment bit MUST be set if the key
            // usage extension is present."
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }

        if request.delegates {
            // id-pe-delegationUsage, NULL.
            let usage =
                CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 44363, 44], vec![5, 0]);
            params.custom_extensions.push(usage);
        }

        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            chain_pem: certificate.pem(),
            key_pem: Zeroizing::new(key.serialize_pem()),
            chain_der: vec![certificate.der().clone()],
            key_der: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }
}

impl Issued {
    /// Writes `NAME.pem` and `NAME.key` (mode 0600) into a directory.
    ///
    /// # Errors
    ///
    /// [`PkiError::Exists`] if one of them is there already.
    pub fn save(&self, dir: &Path, name: &str) -> Result<(), PkiError> {
        write_private(&dir.join(format!("{name}.key")), self.key_pem.as_bytes())?;
        write_public(&dir.join(format!("{name}.pem")), self.chain_pem.as_bytes())
    }
}

fn set_validity(params: &mut CertificateParams, days: u16) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATED;
    params.not_after = now + Duration::days(days.into());
}

fn subject_alt_name(name: &str) -> Result<SanType, PkiError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let invalid = || PkiError::InvalidName(name.to_owned());
    // A wildcard stands for the whole first label (RFC 9525 §6.3).
    let host = name.strip_prefix("*.").unwrap_or(name);
    rustls_pki_types::DnsName::try_from(host).map_err(|_| invalid())?;
    Ok(SanType::DnsName(
        name.to_ascii_lowercase()
            .try_into()
            .map_err(|_| invalid())?,
    ))
}

/// Whether the certificate carries this key: its public half is a run of bytes of the DER.
fn contains_public_key(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    let public = key.public_key_raw();
    certificate
        .windows(public.len())
        .any(|window| window == public)
}
