//! The list of TLS 1.2 suites in `-cipher`: names with colons between them.

use keyward_tls::Policy;
use keyward_wire::values::CipherSuite;

use crate::failure::{Failure, unimplemented};

/// The suites of a list of IANA names. OpenSSL's names, groups of equal preference and rules that
/// take suites away are not implemented, nor are suites that the engine does not have.
pub(crate) fn parse(list: &str) -> Result<Vec<CipherSuite>, Failure> {
    let known = Policy::legacy().cipher_suites;
    list.split(':')
        .map(|name| {
            let suite = known.iter().find(|suite| suite.name() == Some(name));
            suite
                .copied()
                .ok_or_else(|| unimplemented(format!("the cipher list {list}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order() {
        let list = "TLS_RSA_WITH_AES_128_GCM_SHA256:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
        let suites = [
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ];
        assert!(parse(list).is_ok_and(|parsed| parsed == suites));
    }

    #[test]
    fn what_the_engine_lacks_is_not_implemented() {
        for list in [
            "ALL:3DES",
            "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            "",
        ] {
            assert!(
                matches!(parse(list), Err(Failure::Unimplemented(_))),
                "{list}"
            );
        }
    }
}
