//! Whether an OCSP response is acceptable (RFC 6960 §3.2), and what it says.

use std::time::Duration;

use aws_lc_rs::digest;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Encode, SliceReader};
use keyward_tls::UnixTime;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::{CertRevocationList, EndEntityCert, KeyUsage};
use x509_ocsp::{CertId, CertStatus, OcspGeneralizedTime, ResponderId, SingleResponse};

use super::OcspFault;
use super::response::Response;
use crate::algorithms;
use crate::certificate::Certificate;
use crate::crl::reason_name;
use crate::path::{self, webpki_time};
use crate::rejection::{Rejection, RevocationSource};
use crate::signature::SignatureFault;
use crate::trust::Trust;

/// `id-kp-OCSPSigning` (RFC 6960 §4.2.2.2): 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: KeyUsage = KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 9]);
/// How far the responder's clock may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
/// How long a response without `nextUpdate` is believed: ten days, the longest that the CA/Browser
/// Forum allows (baseline requirements §4.9.10).
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(10 * 86_400);

/// What a good response says: the certificate is not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OcspStatus {
    pub(crate) this_update: UnixTime,
    pub(crate) next_update: Option<UnixTime>,
    /// The issuer had somebody else sign it.
    pub(crate) delegated: bool,
}

/// For how long a responder is trusted that the issuer delegated to, if nothing says whether it is revoked: seven days,
/// the life of a certificate that the CA/Browser Forum calls short-lived.
const SHORT_LIVED: Duration = Duration::from_secs(7 * 86_400);

/// Checks the response for `leaf`, whose issuer has `issuer_key`. Whether a responder to whom the issuer delegated it is
/// revoked matters to who has to trust it; `None`: to others, who have rules of their own.
pub(crate) fn check(
    response: &[u8],
    leaf: &Certificate<'_>,
    issuer_key: &SubjectPublicKeyInfoDer<'_>,
    trust: Option<&Trust>,
    now: UnixTime,
) -> Result<OcspStatus, Rejection> {
    let response = Response::parse(response).map_err(Rejection::Status)?;
    let issuer = Issuer::new(leaf, issuer_key).map_err(Rejection::Status)?;
    let single = response
        .data
        .responses
        .iter()
        .find(|single| issuer.is_of(&single.cert_id, leaf))
        .ok_or(Rejection::Status(OcspFault::OtherCertificate))?;
    refuse_critical_extensions(&response, single).map_err(Rejection::Status)?;
    let delegated = issuer
        .signed(&response, trust, now)
        .map_err(Rejection::Status)?;
    let status = OcspStatus {
        this_update: unix_time(single.this_update),
        next_update: single.next_update.map(unix_time),
        delegated,
    };
    status.check_time(now).map_err(Rejection::Status)?;
    verdict(single, leaf)?;
    Ok(status)
}

/// RFC 6960 §4.4: extensions that are not known are ignored, unless they are critical; none is known here.
fn refuse_critical_extensions(
    response: &Response,
    single: &SingleResponse,
) -> Result<(), OcspFault> {
    let extensions = [
        &response.data.response_extensions,
        &single.single_extensions,
    ];
    match extensions
        .into_iter()
        .flatten()
        .flatten()
        .find(|extension| extension.critical)
    {
        Some(extension) => Err(OcspFault::Malformed(format!(
            "it has the critical extension {}, which is not known",
            extension.extn_id
        ))),
        None => Ok(()),
    }
}

fn verdict(single: &SingleResponse, leaf: &Certificate<'_>) -> Result<(), Rejection> {
    match single.cert_status {
        CertStatus::Good(_) => Ok(()),
        CertStatus::Revoked(info) => Err(Rejection::Revoked {
            certificate: leaf.title(),
            source: RevocationSource::Ocsp,
            since: Some(unix_time(info.revocation_time)),
            reason: info
                .revocation_reason
                .and_then(|reason| reason_name(reason as u8))
                .map(ToOwned::to_owned),
        }),
        CertStatus::Unknown(_) => Err(Rejection::Status(OcspFault::UnknownCertificate)),
    }
}

impl OcspStatus {
    /// Until when it is believed.
    pub(crate) fn good_until(&self) -> UnixTime {
        self.next_update.unwrap_or_else(|| {
            let seconds = self.this_update.as_millis() / 1000;
            UnixTime::from_secs(seconds.saturating_add(WITHOUT_NEXT_UPDATE.as_secs()))
        })
    }

    /// RFC 6960 §4.2.2.1: `thisUpdate` is not in the future, `nextUpdate` not in the past.
    fn check_time(&self, now: UnixTime) -> Result<(), OcspFault> {
        if self
            .this_update
            .since(now)
            .is_some_and(|ahead| ahead > CLOCK_SKEW)
        {
            return Err(OcspFault::NotYetValid {
                this_update: self.this_update,
            });
        }
        let end = self.good_until();
        if now.since(end).is_some_and(|late| !late.is_zero()) {
            return Err(OcspFault::Expired { next_update: end });
        }
        Ok(())
    }
}

/// The issuer of the certificate in question.
struct Issuer<'a> {
    /// Its name as DER.
    name: &'a [u8],
    key: &'a SubjectPublicKeyInfoDer<'a>,
    /// The bytes of its key's BIT STRING.
    key_bits: Vec<u8>,
}

impl<'a> Issuer<'a> {
    fn new(
        leaf: &Certificate<'a>,
        key: &'a SubjectPublicKeyInfoDer<'a>,
    ) -> Result<Self, OcspFault> {
        let unreadable =
            |error: der::Error| OcspFault::Malformed(format!("the issuer's key: {error}"));
        Ok(Self {
            name: leaf.issuer_der(),
            key,
            key_bits: key_bits(key).map_err(unreadable)?,
        })
    }

    /// Whether a CertID means this certificate: RFC 6960 §4.1.1, by hash of the issuer's name, hash
    /// of its key, and serial number. The hash identifies and does not authenticate, so that SHA-1,
    /// which most responders use, is good enough.
    fn is_of(&self, id: &CertId, leaf: &Certificate<'_>) -> bool {
        let Some(algorithm) = digest_algorithm(id.hash_algorithm.oid) else {
            return false;
        };
        id.serial_number.as_bytes() == leaf.serial()
            && id.issuer_name_hash.as_bytes() == digest::digest(algorithm, self.name).as_ref()
            && id.issuer_key_hash.as_bytes() == digest::digest(algorithm, &self.key_bits).as_ref()
    }

    /// Whether it signed the response, or somebody in whose certificate it says that he may
    /// (RFC 6960 §4.2.2.2). `Ok(true)` is the latter.
    fn signed(
        &self,
        response: &Response,
        trust: Option<&Trust>,
        now: UnixTime,
    ) -> Result<bool, OcspFault> {
        let signed = response.signed()?;
        let responder = &response.data.responder_id;
        if responder_is(responder, self.name, &self.key_bits) {
            return match signed.verify(self.key) {
                Ok(()) => Ok(false),
                Err(fault) => Err(OcspFault::Unauthorized(fault_text(fault, "the issuer"))),
            };
        }
        let delegate = response.certificates.iter().find_map(|der| {
            let certificate = Certificate::parse(der).ok()?;
            responder_is(
                responder,
                certificate.subject_der(),
                certificate.public_key_bytes(),
            )
            .then_some((der, certificate))
        });
        let Some((der, certificate)) = delegate else {
            return Err(OcspFault::Unauthorized(
                "its responder is not the issuer, and shows no certificate".to_owned(),
            ));
        };
        self.authorized(der, &certificate, trust, now)
            .map_err(|error| OcspFault::Unauthorized(delegate_text(&error, &certificate)))?;
        signed
            .verify(&certificate.public_key_info())
            .map(|()| true)
            .map_err(|fault| OcspFault::Unauthorized(fault_text(fault, &certificate.title())))
    }

    /// A delegated responder's certificate is issued by the issuer itself, not by a CA below it, is
    /// valid, has the extended key usage for it, and is not revoked.
    ///
    /// RFC 6960 §4.2.2.2.1 has three ways to know the last. The certificate says that nobody need ask
    /// (id-pkix-ocsp-nocheck). It says how to ask, which is by a revocation list here, if there are any. Or it
    /// says nothing, and it is for the client to decide: here it is trusted if it lives for no longer than
    /// [`SHORT_LIVED`].
    fn authorized(
        &self,
        responder: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        trust: Option<&Trust>,
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let asking = trust.filter(|_| !certificate.has_no_check());
        let lists: Vec<&CertRevocationList<'_>> = asking
            .iter()
            .flat_map(|trust| trust.lists.iter().map(|list| &list.list))
            .collect();
        let revocation = asking.and_then(|trust| path::revocation(trust, &lists));
        let life = certificate.not_after().since(certificate.not_before());
        let short_lived = life.is_some_and(|life| life <= SHORT_LIVED);
        if asking.is_some() && revocation.is_none() && !short_lived {
            return Err(webpki::Error::UnknownRevocationStatus);
        }
        let content = |der| AnyRef::from_der(der).map(AnyRef::value);
        let anchor = TrustAnchor {
            subject: content(self.name)
                .map_err(|_| webpki::Error::BadDer)?
                .into(),
            subject_public_key_info: content(self.key).map_err(|_| webpki::Error::BadDer)?.into(),
            name_constraints: None,
        };
        EndEntityCert::try_from(responder)?
            .verify_for_usage(
                algorithms::accepted(),
                &[anchor],
                &[],
                webpki_time(now),
                OCSP_SIGNING,
                revocation,
                None,
            )
            .map(|_| ())
    }
}

/// The bytes of the BIT STRING of a SubjectPublicKeyInfo.
fn key_bits(key: &SubjectPublicKeyInfoDer<'_>) -> Result<Vec<u8>, der::Error> {
    let info = AnyRef::from_der(key)?;
    let mut reader = SliceReader::new(info.value())?;
    AnyRef::decode(&mut reader)?;
    let bits = BitStringRef::decode(&mut reader)?;
    Ok(bits.raw_bytes().to_vec())
}

/// Whether a ResponderID means who has this name and key. `byKey` is always a SHA-1 hash.
fn responder_is(responder: &ResponderId, name: &[u8], key_bits: &[u8]) -> bool {
    match responder {
        ResponderId::ByName(by_name) => by_name.to_der().is_ok_and(|der| der == name),
        ResponderId::ByKey(hash) => {
            hash.as_bytes() == digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key_bits).as_ref()
        }
    }
}

fn fault_text(fault: SignatureFault, who: &str) -> String {
    match fault {
        SignatureFault::Algorithm => "its signature algorithm is not accepted".to_owned(),
        SignatureFault::Wrong => format!("the signature was not made by {who}"),
    }
}

fn delegate_text(error: &webpki::Error, responder: &Certificate<'_>) -> String {
    let why = match error {
        webpki::Error::CertExpired { .. } => "has expired",
        webpki::Error::CertNotValidYet { .. } => "is not valid yet",
        webpki::Error::RequiredEkuNotFoundContext(_) => {
            "has not the extended key usage OCSPSigning"
        }
        webpki::Error::CertRevoked => "is revoked",
        webpki::Error::UnknownRevocationStatus => {
            "may be revoked for all that is known: it has no id-pkix-ocsp-nocheck, lives for more than \
             seven days, and no revocation list covers it"
        }
        webpki::Error::CrlExpired { .. } => {
            "may be revoked for all that is known: the revocation list of its CA is out of date"
        }
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            "was not issued by the issuer of the certificate"
        }
        _ => "cannot be used",
    };
    format!(
        "the certificate of its responder, {}, {why}",
        responder.title()
    )
}

fn digest_algorithm(oid: ObjectIdentifier) -> Option<&'static digest::Algorithm> {
    const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
    const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
    const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
    const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
    match oid {
        SHA1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        SHA256 => Some(&digest::SHA256),
        SHA384 => Some(&digest::SHA384),
        SHA512 => Some(&digest::SHA512),
        _ => None,
    }
}

fn unix_time(time: OcspGeneralizedTime) -> UnixTime {
    UnixTime::from_secs(time.0.to_unix_duration().as_secs())
}
