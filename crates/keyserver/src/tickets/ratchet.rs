//! The ratchet: from an epoch's root to the next one's, and to its tenants' keys. `docs/protocol.md` §6 specifies it.

use std::fmt;
use std::time::Duration;

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hkdf::{Secret, expand_label};
use keyward_protocol::{TICKET_KEY_LEN, TicketKey};
use zeroize::Zeroizing;

/// The root of an epoch. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Root {
    epoch: u64,
    epoch_s: u32,
    secret: Secret,
}

impl Root {
    /// `epoch_s` is not 0.
    pub(crate) fn new(epoch: u64, epoch_s: u32, secret: Secret) -> Self {
        Self {
            epoch,
            epoch_s: epoch_s.max(1),
            secret,
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn epoch_s(&self) -> u32 {
        self.epoch_s
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Which epoch it is, so many seconds after 1970.
    pub(crate) fn epoch_at(&self, seconds: u64) -> u64 {
        seconds / u64::from(self.epoch_s)
    }

    pub(crate) fn until_next(&self, since_1970: Duration) -> Duration {
        let next = (self.epoch_at(since_1970.as_secs()) + 1) * u64::from(self.epoch_s);
        Duration::from_secs(next).saturating_sub(since_1970)
    }

    /// Goes on to an epoch. There is no way back.
    pub(crate) fn advance_to(&mut self, epoch: u64) {
        while self.epoch < epoch {
            self.secret = derive(&self.secret, b"kw ticket ratchet", b"");
            self.epoch += 1;
        }
    }

    /// The root of this or a later epoch.
    pub(crate) fn at(&self, epoch: u64) -> Self {
        let mut root = self.clone();
        root.advance_to(epoch);
        root
    }

    /// The session ticket key of a set of names.
    pub(crate) fn tenant_key(&self, names: &[String]) -> TicketKey {
        let mut hash = HashAlgorithm::Sha256.start();
        for name in names {
            hash.update(name.as_bytes());
            hash.update(b"\n");
        }
        let mut key = Zeroizing::new([0; TICKET_KEY_LEN]);
        let secret = derive(&self.secret, b"kw ticket tenant", &hash.finish());
        key.copy_from_slice(secret.as_bytes());
        key
    }
}

fn derive(secret: &Secret, label: &[u8], context: &[u8]) -> Secret {
    let mut out = Zeroizing::new([0; TICKET_KEY_LEN]);
    expand_label(HashAlgorithm::Sha256, secret, label, context, &mut out[..]);
    Secret::from_slice(&out[..])
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The root is a secret.
        f.debug_struct("Root")
            .field("epoch", &self.epoch)
            .field("epoch_s", &self.epoch_s)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Root {
        Root::new(7, 3600, Secret::from_slice(&[0x42; 32]))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn two_ways_to_an_epoch_lead_to_the_same_keys() {
        let names = names(&["shop.example"]);
        let mut stepwise = root();
        for epoch in 8..20 {
            stepwise.advance_to(epoch);
            assert_eq!(
                stepwise.tenant_key(&names),
                root().at(epoch).tenant_key(&names)
            );
        }
        assert_ne!(root().tenant_key(&names), root().at(8).tenant_key(&names));
    }

    #[test]
    fn each_set_of_names_has_its_own_key() {
        let sets = [
            names(&["a"]),
            names(&["b"]),
            names(&["a", "b"]),
            names(&["ab"]),
            names(&[]),
        ];
        for (i, one) in sets.iter().enumerate() {
            for other in &sets[i + 1..] {
                assert_ne!(root().tenant_key(one), root().tenant_key(other));
            }
        }
    }

    #[test]
    fn a_later_root_knows_nothing_earlier() {
        // That it cannot be computed is HKDF's promise; that it is not kept is ours.
        let names = names(&["shop.example"]);
        let stolen = root().at(9);
        let earlier = root().tenant_key(&names);
        for epoch in 9..40 {
            assert_ne!(stolen.at(epoch).tenant_key(&names), earlier);
        }
        assert_eq!(stolen.at(7).epoch(), 9);
    }

    /// Computed from the definition in docs/protocol.md with another HKDF (Python's `hmac`).
    #[test]
    fn the_derivation_is_the_specifications() {
        let key = root()
            .at(8)
            .tenant_key(&names(&["shop.example", "*.shop.example"]));
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "caa9f376c2e3080e33457b181d179bf265d43e3384def51d99758b8f3d14773d"
        );
    }

    #[test]
    fn epochs_are_counted_from_1970() {
        assert_eq!(root().epoch_at(7200), 2);
        let left = root().until_next(Duration::from_millis(7_201_500));
        assert_eq!(left, Duration::from_millis(3_598_500));
    }
}
