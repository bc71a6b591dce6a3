//! Certificates and keys, by file.

use keyward_wire::values::SignatureScheme;

use super::{base64, number};
use crate::flags::Flag::{self, Bare, Value};
use crate::flags::value;
use crate::options::Options;

#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    /// What comes before the first `-new-…-credential`.
    default: Credential,
    more: Vec<Credential>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Credential {
    pub(crate) cert_file: String,
    pub(crate) key_file: String,
    pub(crate) ocsp_response: Vec<u8>,
    /// A `SignedCertificateTimestampList`.
    pub(crate) scts: Vec<u8>,
    /// The schemes that it may sign with; empty: all that its key can.
    pub(crate) signing_schemes: Vec<SignatureScheme>,
    /// It is shown only to a peer that names an authority of its chain.
    pub(crate) must_match_issuer: bool,
}

impl Credentials {
    /// The credentials in order of preference, each with its number for `-expect-selected-credential`;
    /// the default one is the last.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (i32, &Credential)> {
        let default = Some((-1, &self.default)).filter(|(_, it)| !it.cert_file.is_empty());
        (0..).zip(&self.more).chain(default)
    }

    fn latest(&mut self) -> &mut Credential {
        self.more.last_mut().unwrap_or(&mut self.default)
    }
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    fn latest(options: &mut Options) -> &mut Credential {
        options.credentials.latest()
    }
    Some(match name {
        "-new-x509-credential" => Bare(|o| o.credentials.more.push(Credential::default())),
        "-cert-file" => value!(o, v => latest(o).cert_file = v.to_owned()),
        "-key-file" => value!(o, v => latest(o).key_file = v.to_owned()),
        "-ocsp-response" => value!(o, v => latest(o).ocsp_response = base64(v)?),
        "-signed-cert-timestamps" => value!(o, v => latest(o).scts = base64(v)?),
        "-signing-prefs" => {
            value!(o, v => latest(o).signing_schemes.push(SignatureScheme(number(v)?)))
        }
        "-must-match-issuer" => Bare(|o| latest(o).must_match_issuer = true),
        // The CA of a client's certificate; whoever asks for one has another flag that says so.
        "-trust-cert" => Value(|_, _| Ok(())),
        _ => return None,
    })
}
