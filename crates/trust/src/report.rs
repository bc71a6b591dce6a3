//! A chain told link by link, and why it is trusted or not.

use keyward_tls::UnixTime;
use serde::{Serialize, Serializer};

use crate::certificate::Certificate;
use crate::presented::Presented;
use crate::rejection::Rejection;
use crate::signature::Signed;
use crate::text::{date, hex};
use crate::trust::{Trust, read_chain};

/// A chain told link by link, and why it is trusted or not.
#[derive(Clone, Debug, Serialize)]
pub struct ChainReport {
    /// What was sent, in that order, and at the end the trusted CA that signed the last one.
    pub links: Vec<Link>,
    /// What the stapled OCSP response says; `None` if none came or it is not good.
    pub status: Option<Status>,
    /// Every rule that is broken. Empty: the peer is trusted.
    #[serde(serialize_with = "as_text")]
    pub rejections: Vec<Rejection>,
}

/// One certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// Its part in the chain.
    pub place: Place,
    /// The subject's name.
    pub subject: String,
    /// The issuer's name.
    pub issuer: String,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// Since when it is valid.
    #[serde(serialize_with = "as_date")]
    pub not_before: UnixTime,
    /// Until when it is valid.
    #[serde(serialize_with = "as_date")]
    pub not_after: UnixTime,
    /// The kind of key, such as `ECDSA P-256`.
    pub key: String,
    /// The algorithm of the signature on it.
    pub signature_algorithm: String,
    /// The DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// Key usages by their names in RFC 5280; empty if it has none.
    pub key_usages: Vec<&'static str>,
    /// Extended key usages; empty if it has none.
    pub extended_key_usages: Vec<String>,
    /// Signed certificate timestamps in it.
    pub embedded_timestamps: usize,
    /// Whether its server must staple an OCSP response (RFC 7633).
    pub must_staple: bool,
    /// SHA-256 over its DER, in hexadecimal.
    pub sha256: String,
    /// Who signed it.
    pub signed_by: Signer,
}

/// A certificate's part in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The peer's own.
    Peer,
    /// A CA on the path.
    Intermediate,
    /// A CA that is trusted to begin with, not sent.
    Root,
    /// Sent, but on no path to a trusted CA.
    Unused,
}

/// Who signed a certificate. The signature is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "who")]
pub enum Signer {
    /// Another certificate of the chain, by its place from 0.
    Sent(usize),
    /// A CA that is trusted to begin with.
    Root(String),
    /// Its own key.
    Itself,
    /// Not the CA that it names: the signature is not that CA's, or uses an algorithm that is not
    /// accepted.
    Nobody,
    /// A CA that is not here.
    Absent,
}

/// What a good OCSP response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// When it was made.
    #[serde(serialize_with = "as_date")]
    pub this_update: UnixTime,
    /// Until when it is good.
    #[serde(serialize_with = "as_optional_date")]
    pub next_update: Option<UnixTime>,
    /// Signed by a responder in the issuer's name, rather than by the issuer.
    pub delegated: bool,
}

impl ChainReport {
    /// Whether no rule is broken.
    pub const fn is_trusted(&self) -> bool {
        self.rejections.is_empty()
    }

    fn refused(links: Vec<Link>, rejection: Rejection) -> Self {
        Self {
            links,
            status: None,
            rejections: vec![rejection],
        }
    }
}

impl Trust {
    /// What [`verify`](Self::verify) decides, told link by link; every rule is applied, also when
    /// one is broken already. The verdict is always the same as `verify`'s.
    pub fn report<'a, P>(&self, presented: P, now: UnixTime) -> ChainReport
    where
        P: TryInto<Presented<'a>>,
        Rejection: From<P::Error>,
    {
        let presented = match presented.try_into() {
            Ok(presented) => presented,
            Err(cause) => return ChainReport::refused(Vec::new(), cause.into()),
        };
        let chain = match read_chain(&presented) {
            Ok(chain) => chain,
            Err(rejection) => {
                return ChainReport::refused(readable(&presented), rejection);
            }
        };
        let judgement = self.judge(&presented, &chain, now);
        let on_path = |position| match &judgement.path {
            Some(path) => path.positions.contains(&position),
            None => true,
        };
        let mut links: Vec<Link> = chain
            .iter()
            .enumerate()
            .map(|(position, certificate)| {
                let place = match position {
                    0 => Place::Peer,
                    _ if on_path(position) => Place::Intermediate,
                    _ => Place::Unused,
                };
                link(certificate, place, self.signer(certificate, &chain))
            })
            .collect();
        links.extend(self.root_of(&chain, judgement.path.as_ref().map(|path| &path.positions)));
        ChainReport {
            links,
            status: judgement.status.map(|status| Status {
                this_update: status.this_update,
                next_update: status.next_update,
                delegated: status.delegated,
            }),
            rejections: judgement.rejections,
        }
    }

    fn signer(&self, certificate: &Certificate<'_>, chain: &[Certificate<'_>]) -> Signer {
        let Ok(signed) = Signed::parse(certificate.der) else {
            return Signer::Nobody;
        };
        let made_by = |issuer: &Certificate<'_>| signed.verify(&issuer.public_key_info()).is_ok();
        if certificate.is_self_issued() && made_by(certificate) {
            return Signer::Itself;
        }
        let mut is_named = false;
        for (position, issuer) in chain.iter().enumerate() {
            if issuer.subject_der() != certificate.issuer_der() {
                continue;
            }
            is_named = true;
            if made_by(issuer) {
                return Signer::Sent(position);
            }
        }
        for root in self.roots.named(certificate.issuer_der()) {
            is_named = true;
            if made_by(&root) {
                return Signer::Root(root.title());
            }
        }
        if is_named {
            Signer::Nobody
        } else {
            Signer::Absent
        }
    }

    /// The trusted CA at the end of the path, unless it was sent.
    fn root_of(&self, chain: &[Certificate<'_>], path: Option<&Vec<usize>>) -> Option<Link> {
        let last = &chain[*path?.last()?];
        let signed = Signed::parse(last.der).ok()?;
        let root = self
            .roots
            .named(last.issuer_der())
            .find(|root| signed.verify(&root.public_key_info()).is_ok())?;
        if chain.iter().any(|sent| sent.der == root.der) {
            return None;
        }
        let signer = if root.is_self_issued() {
            Signer::Itself
        } else {
            Signer::Absent
        };
        Some(link(&root, Place::Root, signer))
    }
}

/// What can be read of a chain that cannot be judged.
fn readable(presented: &Presented<'_>) -> Vec<Link> {
    presented
        .chain
        .iter()
        .enumerate()
        .filter_map(|(position, der)| {
            let certificate = Certificate::parse(der).ok()?;
            let place = if position == 0 {
                Place::Peer
            } else {
                Place::Unused
            };
            Some(link(&certificate, place, Signer::Absent))
        })
        .collect()
}

fn link(certificate: &Certificate<'_>, place: Place, signed_by: Signer) -> Link {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der);
    Link {
        place,
        subject: certificate.subject(),
        issuer: certificate.issuer(),
        serial: certificate.serial_text(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        key: certificate.key().text,
        signature_algorithm: certificate.signature_algorithm(),
        names: certificate.names(),
        key_usages: certificate.key_usages(),
        extended_key_usages: certificate.extended_key_usages().unwrap_or_default(),
        embedded_timestamps: certificate.embedded_timestamps(),
        must_staple: certificate.must_staple(),
        sha256: hex(digest.as_ref()),
        signed_by,
    }
}

fn as_date<S: Serializer>(time: &UnixTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&date(*time))
}

fn as_optional_date<S: Serializer>(
    time: &Option<UnixTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(date).serialize(serializer)
}

fn as_text<S: Serializer>(rejections: &[Rejection], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rejections.iter().map(ToString::to_string))
}
