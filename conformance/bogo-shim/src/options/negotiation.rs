//! What may be negotiated.

use keyward_wire::values::{
    CertificateCompressionAlgorithm, CipherSuite, NamedGroup, SignatureScheme,
};

use super::number;
use crate::cipher_list;
use crate::compliance::{self, Compliance};
use crate::flags::Flag::{self, Bare, Value};
use crate::flags::value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Negotiation {
    /// The rules of others, which stand for what is said below of suites, groups and signatures.
    pub(crate) compliance: Option<&'static Compliance>,
    /// 0: no bound.
    pub(crate) min_version: u16,
    /// 0: no bound.
    pub(crate) max_version: u16,
    pub(crate) no_tls13: bool,
    pub(crate) no_tls12: bool,
    /// Those of TLS 1.2; `None` for all.
    pub(crate) cipher_suites: Option<Vec<CipherSuite>>,
    /// Empty for the default.
    pub(crate) groups: Vec<NamedGroup>,
    /// On a server.
    pub(crate) alpn: Alpn,
    /// On a client, as on the wire: each protocol after its length.
    pub(crate) advertised_alpn: Vec<u8>,
    /// On a client: the name that the server is told.
    pub(crate) host_name: Option<String>,
    /// On a client.
    pub(crate) request_ocsp: bool,
    /// On a client.
    pub(crate) request_scts: bool,
    /// On a client.
    pub(crate) grease: bool,
    pub(crate) certificate_compression: Vec<CertificateCompressionAlgorithm>,
    /// As the test lists them; see [`verified_schemes`](Self::verified_schemes).
    pub(crate) verify_schemes: Vec<SignatureScheme>,
    /// On a client: the groups that get a key share.
    pub(crate) key_shares: Option<Vec<NamedGroup>>,
    /// On a client: groups that the server is known to support.
    pub(crate) server_groups: Vec<NamedGroup>,
    pub(crate) renegotiation: Renegotiation,
    /// On a client: this is another attempt, with a lower version.
    pub(crate) fallback: bool,
    /// No ticket is asked for, given out or taken.
    pub(crate) no_ticket: bool,
    /// The longest certificate message, in bytes; 0: the default.
    pub(crate) max_certificate_len: usize,
}

impl Negotiation {
    /// Signatures that we accept; empty for the default.
    pub(crate) fn verified_schemes(&self) -> &[SignatureScheme] {
        match self.compliance {
            Some(compliance) => compliance.signature_schemes,
            None => &self.verify_schemes,
        }
    }
}

/// What happens when the peer asks for another handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Renegotiation {
    #[default]
    Refuse,
    Freely,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// Take no part in it.
    #[default]
    Decline,
    Select(Vec<u8>),
    /// Refuse whatever is offered.
    Reject,
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    Some(match name {
        "-fips-202205" => Bare(|o| o.negotiation.compliance = Some(&compliance::FIPS_202205)),
        "-wpa-202304" => Bare(|o| o.negotiation.compliance = Some(&compliance::WPA_202304)),
        "-cnsa1-202603" => Bare(|o| o.negotiation.compliance = Some(&compliance::CNSA1_202603)),
        "-cnsa2-202603" => Bare(|o| o.negotiation.compliance = Some(&compliance::CNSA2_202603)),
        "-cnsa-202407" => Bare(|o| o.negotiation.compliance = Some(&compliance::CNSA_202407)),
        "-min-version" => value!(o, v => o.negotiation.min_version = number(v)?),
        "-max-version" => value!(o, v => o.negotiation.max_version = number(v)?),
        "-no-tls13" => Bare(|o| o.negotiation.no_tls13 = true),
        "-no-tls12" => Bare(|o| o.negotiation.no_tls12 = true),
        // Without DTLS, what belongs to it is neither sent nor known.
        "-srtp-profiles" => Value(|_, _| Ok(())),
        // The engine has neither.
        "-no-tls11" | "-no-tls1" => Bare(|_| {}),
        // The engine always goes by its own order.
        "-server-preference" => Bare(|_| {}),
        "-cipher" => value!(o, v => o.negotiation.cipher_suites = Some(cipher_list::parse(v)?)),
        "-curves" => value!(o, v => o.negotiation.groups.push(NamedGroup(number(v)?))),
        "-key-shares" => value!(o, v => {
            let shares = o.negotiation.key_shares.get_or_insert_default();
            shares.push(NamedGroup(number(v)?));
        }),
        "-server-supported-groups-hint" => {
            value!(o, v => o.negotiation.server_groups.push(NamedGroup(number(v)?)))
        }
        "-no-key-shares" => Bare(|o| o.negotiation.key_shares = Some(Vec::new())),
        "-verify-prefs" => {
            value!(o, v => o.negotiation.verify_schemes.push(SignatureScheme(number(v)?)))
        }
        "-advertise-alpn" => {
            value!(o, v => o.negotiation.advertised_alpn = v.as_bytes().to_vec())
        }
        "-host-name" => value!(o, v => o.negotiation.host_name = Some(v.to_owned())),
        "-enable-ocsp-stapling" => Bare(|o| o.negotiation.request_ocsp = true),
        "-enable-signed-cert-timestamps" => Bare(|o| o.negotiation.request_scts = true),
        "-enable-grease" => Bare(|o| o.negotiation.grease = true),
        // With the engine, an application that is to begin the new handshake does so at once.
        "-renegotiate-freely" | "-renegotiate-explicit" | "-renegotiate-once" => {
            Bare(|o| o.negotiation.renegotiation = Renegotiation::Freely)
        }
        // Refused with a warning, the request for another handshake changes nothing either.
        "-renegotiate-ignore" => Bare(|_| {}),
        "-fallback-scsv" => Bare(|o| o.negotiation.fallback = true),
        "-no-ticket" => Bare(|o| o.negotiation.no_ticket = true),
        "-max-cert-list" => value!(o, v => o.negotiation.max_certificate_len = number(v)?),
        "-select-alpn" => {
            value!(o, v => o.negotiation.alpn = match v {
                "" => Alpn::Decline,
                protocol => Alpn::Select(protocol.as_bytes().to_vec()),
            })
        }
        "-decline-alpn" => Bare(|o| o.negotiation.alpn = Alpn::Decline),
        "-reject-alpn" => Bare(|o| o.negotiation.alpn = Alpn::Reject),
        _ => return None,
    })
}
