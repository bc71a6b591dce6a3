//! What it means that the listener is on, in words that nobody can say they were not told.

use keyward_config::Problem;
use keyward_keyop::OperationKind;

use crate::config::Config;
use crate::policy::Policy;
use crate::store::KeySet;

/// Warnings for `keyward check` and for the log at the start.
pub(crate) fn warnings(config: &Config, policy: &Policy, keys: &KeySet) -> Vec<Problem> {
    let enabled = |kind| {
        let keys = keys
            .keys()
            .iter()
            .filter(|key| policy.key_operations(key).contains(&kind));
        keys.map(|key| key.label()).collect::<Vec<_>>().join(", ")
    };
    let signing = enabled(OperationKind::RawDigest);
    let decrypting = enabled(OperationKind::RawRsaDecryption);
    let mut warnings = Vec::new();
    let asked = |kind: &OperationKind| {
        let mut rules = config.edges.iter();
        rules.any(|rule| rule.operations.contains(kind))
    };
    if config.gokeyless.is_none() {
        let raw = [OperationKind::RawDigest, OperationKind::RawRsaDecryption];
        if raw.iter().any(asked) {
            let cause = "a rule allows raw operations, and there is no [gokeyless] section: nobody can ask for them";
            let remedy =
                "remove them from the rule, or add the section if there are gokeyless clients";
            warnings.push(config.problem("", cause, remedy).warning());
        }
        return warnings;
    }
    if signing.is_empty() && decrypting.is_empty() {
        let cause = "the listener for gokeyless clients is on, and no key may be used there";
        let remedy = "name keys in `allow_raw_digest` below [keys], or remove [gokeyless]";
        warnings.push(config.problem("gokeyless", cause, remedy).warning());
    }
    if !signing.is_empty() {
        let cause = format!(
            "RAW DIGESTS ARE SIGNED with {signing}: whoever has the credential of a client that a rule allows \
             raw-digest can have anything signed, for every name, and impersonate these sites"
        );
        let remedy = "give the client's place to an edge of Keyward's as soon as you can; docs/gokeyless.md says how";
        warnings.push(config.problem("gokeyless", cause, remedy).warning());
    }
    if !decrypting.is_empty() {
        let cause = format!(
            "PREMASTER SECRETS ARE DECRYPTED with {decrypting}: whoever has the credential of a client that a rule \
             allows raw-rsa-decryption can read every recorded connection with RSA key transport"
        );
        let remedy = "leave it off where clients of the sites can do with forward secrecy";
        warnings.push(config.problem("gokeyless", cause, remedy).warning());
    }
    warnings
}
