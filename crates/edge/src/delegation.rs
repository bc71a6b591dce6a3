//! Delegated credentials (RFC 9345): short-lived keys of the edge's own, which the site's key vouches for.
//!
//! What that buys: TLS 1.3 handshakes with clients that take one need no key server, nor wait for it. What it
//! costs: who steals the edge's memory has, until the credential expires, a key that is good for every name of
//! the certificate, and nothing takes it back. So it is off unless a site asks for it, and the key server has to
//! allow it as well.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::private_key::PrivateKey;
use keyward_keyclient::KeyClient;
use keyward_keyop::{
    DelegatedCredential as Delegate, KeyId, KeyRules, MAX_CREDENTIAL_SECONDS, Operation,
    OperationResult, Performed,
};
use keyward_tls::{Credential, UnixTime};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::{ProtocolVersion, SignatureScheme};
use tracing::{info, warn};

use crate::sites::{Site, Sites};

/// How the delegated keys sign. All clients with delegated credentials take it.
const SCHEME: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;

/// A delegated credential as it is shown.
#[derive(Debug)]
pub(crate) struct Delegation {
    pub(crate) credential: DelegatedCredential,
    /// The certificate that vouches for it, DER.
    pub(crate) leaf: Vec<u8>,
    /// The delegated key.
    pub(crate) key: KeyId,
    /// In seconds since 1970.
    expires: u64,
}

impl Delegation {
    /// Whether clients take it now, with some seconds for a handshake that has begun.
    pub(crate) fn is_current(&self, now: UnixTime) -> bool {
        seconds(now) + 60 < self.expires
    }

    /// Whether it is time for the next one: a third of its time is left, in which the key server may be away.
    pub(crate) fn is_worn(&self, now: UnixTime, lifetime: Duration) -> bool {
        seconds(now) + lifetime.as_secs() / 3 >= self.expires
    }
}

fn seconds(time: UnixTime) -> u64 {
    time.as_millis() / 1000
}

/// Whether a chain is to have a delegated credential, or the next one: it may delegate, and what it would get is
/// good for longer than what it has.
pub(crate) fn is_wanted(
    certificate: &Credential,
    has: Option<&Delegation>,
    lifetime: Duration,
    now: UnixTime,
) -> bool {
    let Some(info) = CertificateInfo::parse(&certificate.chain()[0]) else {
        return false;
    };
    let next = expiry(seconds(now), lifetime, info.not_after());
    let better = match has {
        Some(has) => has.is_worn(now, lifetime) && next > has.expires + 60,
        None => next > seconds(now) + 120,
    };
    info.may_delegate() && better
}

/// The delegated keys. They are nowhere else, and wiped when they have expired.
#[derive(Default)]
pub(crate) struct DelegatedKeys(RwLock<HashMap<KeyId, Held>>);

struct Held {
    key: Arc<PrivateKey>,
    /// In seconds since 1970.
    expires: u64,
}

impl Held {
    fn is_good(&self, now: UnixTime) -> bool {
        seconds(now) <= self.expires
    }
}

impl DelegatedKeys {
    fn keep(&self, key: PrivateKey, expires: u64) {
        let id = KeyId::of_public_key(key.public_key());
        let key = Arc::new(key);
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(id, Held { key, expires });
    }

    /// Forgets a key as soon as no handshake can have begun with it.
    fn retire(&self, id: KeyId, now: UnixTime) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = keys.get_mut(&id) {
            held.expires = held.expires.min(seconds(now) + RETIREMENT);
        }
    }

    fn forget_expired(&self, now: UnixTime) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, held| held.is_good(now));
    }

    /// One of these keys, unless it has expired.
    fn held(&self, key: KeyId, now: UnixTime) -> Option<Arc<PrivateKey>> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&key)
            .filter(|held| held.is_good(now))
            .map(|held| held.key.clone())
    }

    /// Whether it is one of these keys.
    pub(crate) fn has(&self, key: KeyId) -> bool {
        self.held(key, UnixTime::now()).is_some()
    }

    /// Performs an operation if it is for one of these keys.
    pub(crate) fn perform(&self, operation: &Operation) -> Option<Performed> {
        let key = self.held(operation.key(), UnixTime::now())?;
        // By the same checks as at a key server, though nobody but this process asks.
        let performed = operation
            .check(&KeyRules::signing(key.public_key()))
            .map_err(|error| error.to_string())
            .and_then(|checked| {
                checked
                    .perform_here(&key)
                    .map_err(|error| error.to_string())
            });
        performed
            .map_err(|cause| warn!(cause, "a delegated key does not sign"))
            .ok()
    }
}

/// Longer than a handshake may take.
const RETIREMENT: u64 = 60;

/// How soon a credential that is missing is asked for, and one that was refused again.
const ROUND: Duration = Duration::from_secs(2);
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Gets delegated credentials for the sites that want them, and the next ones ahead of time. Returns at once
/// if there is no such site.
pub(crate) async fn maintain(
    sites: Arc<Sites>,
    delegated: Arc<DelegatedKeys>,
    keys: KeyClient,
    timeout: Duration,
) {
    if sites.iter().all(|site| site.delegated.is_none()) {
        return;
    }
    // A key server that does not answer keeps no key alive.
    tokio::join!(
        forget(&delegated),
        renew_all(&sites, &delegated, &keys, timeout)
    );
}

/// Wipes keys when they have expired.
async fn forget(delegated: &DelegatedKeys) {
    loop {
        delegated.forget_expired(UnixTime::now());
        tokio::time::sleep(ROUND).await;
    }
}

async fn renew_all(sites: &Sites, delegated: &DelegatedKeys, keys: &KeyClient, timeout: Duration) {
    let mut refused: HashMap<Vec<u8>, tokio::time::Instant> = HashMap::new();
    loop {
        refused.retain(|_, since| since.elapsed() < AFTER_REFUSAL);
        let now = UnixTime::now();
        for site in sites.iter() {
            for certificate in site.to_delegate(now) {
                let leaf = certificate.chain()[0].to_vec();
                if refused.contains_key(&leaf) {
                    continue;
                }
                if let Err(cause) = renew(site, &certificate, delegated, keys, timeout).await {
                    warn!(site = site.title(), key = %certificate.key(), cause,
                        "no delegated credential: the key server goes on signing for all clients");
                    refused.insert(leaf, tokio::time::Instant::now());
                }
            }
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Makes a key, has it vouched for, and shows it.
async fn renew(
    site: &Site,
    certificate: &Credential,
    delegated: &DelegatedKeys,
    keys: &KeyClient,
    timeout: Duration,
) -> Result<(), String> {
    let leaf = certificate.chain()[0].to_vec();
    let info = CertificateInfo::parse(&leaf).ok_or("the certificate does not parse")?;
    let lifetime = site.delegated.ok_or("the site wants none")?;
    let expires = expiry(seconds(UnixTime::now()), lifetime, info.not_after());
    // RFC 9345 §4: "valid_time: Time, in seconds relative to the delegation certificate's notBefore value, after
    // which the delegated credential is no longer valid."
    let valid_time = expires
        .checked_sub(info.not_before())
        .and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or("the certificate is not valid now")?;
    let scheme = *certificate
        .supported_schemes(ProtocolVersion::TLS13)
        .first()
        .ok_or("the certificate's key does not sign")?;
    let key = PrivateKey::generate_p256().map_err(|error| error.to_string())?;
    let request = || Delegate {
        key: certificate.key(),
        scheme,
        certificate: leaf.clone(),
        valid_time,
        credential_scheme: SCHEME,
        public_key: key.public_key().spki_der().to_vec(),
    };
    let asked = keys.perform(Operation::DelegatedCredential(request()), timeout);
    let performed = asked.await.map_err(|error| error.to_string())?;
    let OperationResult::Signature(signature) = performed.result else {
        return Err("the key server answered with something else than a signature".to_owned());
    };
    let delegation = Delegation {
        credential: request().into_credential(signature),
        leaf,
        key: KeyId::of_public_key(key.public_key()),
        expires,
    };
    // First the key, then what leads clients to it.
    delegated.keep(key, expires);
    for replaced in site.take_delegation(delegation)? {
        delegated.retire(replaced, UnixTime::now());
    }
    info!(site = site.title(), key = %certificate.key(), expires,
        "a delegated credential is in use");
    Ok(())
}

/// The key server's clock may be behind by so much, by which a credential of a whole day seems longer to it.
const CLOCK_SKEW: u64 = 10 * 60;

fn expiry(now: u64, lifetime: Duration, not_after: u64) -> u64 {
    let lifetime = lifetime.as_secs().min(MAX_CREDENTIAL_SECONDS - CLOCK_SKEW);
    (now + lifetime).min(not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_outlives_a_day_or_its_certificate() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        assert_eq!(expiry(1000, hours(1), u64::MAX), 1000 + 3600);
        assert_eq!(
            expiry(1000, hours(24), u64::MAX),
            1000 + MAX_CREDENTIAL_SECONDS - CLOCK_SKEW
        );
        assert_eq!(expiry(1000, hours(24), 2000), 2000);
    }

    #[test]
    fn a_key_that_was_replaced_is_forgotten_soon() {
        let keys = DelegatedKeys::default();
        let key = PrivateKey::generate_p256().unwrap();
        let id = KeyId::of_public_key(key.public_key());
        keys.keep(key, 10_000);
        let at = UnixTime::from_secs;
        keys.retire(id, at(1_000));
        // Whether it was wiped in time or not, it does not sign when it has expired.
        assert!(keys.held(id, at(1_000 + RETIREMENT)).is_some());
        assert!(keys.held(id, at(1_001 + RETIREMENT)).is_none());
        keys.forget_expired(at(1_000 + RETIREMENT));
        assert!(keys.held(id, at(1_000)).is_some());
        keys.forget_expired(at(1_001 + RETIREMENT));
        assert!(keys.held(id, at(1_000)).is_none());
    }

    #[test]
    fn a_third_of_its_time_is_left_for_the_next_one() {
        let delegation = Delegation {
            credential: DelegatedCredential {
                valid_time: 0,
                dc_cert_verify_algorithm: SCHEME,
                subject_public_key_info: Vec::new(),
                algorithm: SCHEME,
                signature: Vec::new(),
            },
            leaf: Vec::new(),
            key: KeyId::from_bytes([0; 32]),
            expires: 10_000,
        };
        let lifetime = Duration::from_secs(3000);
        let at = UnixTime::from_secs;
        assert!(!delegation.is_worn(at(8_999), lifetime));
        assert!(delegation.is_worn(at(9_000), lifetime));
        assert!(delegation.is_current(at(9_939)));
        assert!(!delegation.is_current(at(9_940)));
    }
}
