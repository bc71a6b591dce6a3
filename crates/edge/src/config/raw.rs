//! The configuration file as it is written, before anything is checked.

use std::fmt;
use std::path::PathBuf;

use keyward_config::{AdminTable, LogTable, Spanned};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::gokeyless::RawGokeyless;
use super::key_server::RawKeyServer;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    #[serde(default)]
    pub(super) listen: Vec<RawListen>,
    pub(super) key_server: RawKeyServer,
    pub(super) gokeyless: Option<RawGokeyless>,
    #[serde(default)]
    pub(super) site: Vec<Spanned<RawSite>>,
    #[serde(default)]
    pub(super) timeouts: RawTimeouts,
    #[serde(default)]
    pub(super) limits: RawLimits,
    pub(super) admin: Option<AdminTable>,
    pub(super) log: Option<LogTable>,
    pub(super) handshake_records: Option<PathBuf>,
    pub(super) verify_signatures: Option<Spanned<String>>,
    pub(super) certificate_compression: Option<bool>,
    pub(super) tls12_session_tickets: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawListen {
    pub(super) address: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    #[serde(default)]
    pub(super) names: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<RawCertificate>>,
    pub(super) upstream: Spanned<String>,
    pub(super) upstream_ca: Option<Spanned<PathBuf>>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) renegotiation: Option<Spanned<bool>>,
    pub(super) alpn: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) early_data: Option<Spanned<RawEarlyData>>,
    pub(super) delegated_credential: Option<Spanned<RawDelegatedCredential>>,
    pub(super) client_auth: Option<Spanned<String>>,
    pub(super) client_ca: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) client_crl: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) default: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDelegatedCredential {
    pub(super) hours: Option<Spanned<i64>>,
}

/// A chain's file, or a table with what belongs to it.
#[derive(Debug)]
pub(super) struct RawCertificate {
    pub(super) chain: PathBuf,
    pub(super) ocsp: Option<Spanned<PathBuf>>,
    pub(super) scts: Option<Spanned<PathBuf>>,
}

impl<'de> Deserialize<'de> for RawCertificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CertificateVisitor)
    }
}

/// By hand, since serde's way of telling forms apart loses the places in the file.
struct CertificateVisitor;

impl<'de> Visitor<'de> for CertificateVisitor {
    type Value = RawCertificate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file, or a table as { chain = \"shop.pem\", ocsp = \"shop.ocsp\" }")
    }

    fn visit_str<E: serde::de::Error>(self, file: &str) -> Result<RawCertificate, E> {
        Ok(RawCertificate {
            chain: file.into(),
            ocsp: None,
            scts: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawCertificate, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            chain: PathBuf,
            ocsp: Option<Spanned<PathBuf>>,
            scts: Option<Spanned<PathBuf>>,
        }
        let Table { chain, ocsp, scts } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawCertificate { chain, ocsp, scts })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEarlyData {
    pub(super) max_bytes: Option<Spanned<i64>>,
    pub(super) methods: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimeouts {
    pub(super) handshake_ms: Option<Spanned<i64>>,
    pub(super) key_operation_ms: Option<Spanned<i64>>,
    pub(super) header_ms: Option<Spanned<i64>>,
    pub(super) idle_ms: Option<Spanned<i64>>,
    pub(super) body_ms: Option<Spanned<i64>>,
    pub(super) connect_ms: Option<Spanned<i64>>,
    pub(super) upstream_ms: Option<Spanned<i64>>,
    pub(super) tunnel_ms: Option<Spanned<i64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) connections: Option<Spanned<i64>>,
    pub(super) sessions: Option<Spanned<i64>>,
    pub(super) early_data: Option<Spanned<i64>>,
    pub(super) upstream_idle_connections: Option<Spanned<i64>>,
}
