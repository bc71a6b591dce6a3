//! rustls as a server, as it comes, with a ticketer.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use keyward_pki::Issued;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, SignatureAlgorithm, SignatureScheme};

use super::{Connection, Server};
use crate::Result;
use crate::key_time::KeyTime;

/// rustls with its `aws_lc_rs` provider.
#[derive(Debug)]
pub struct RustlsServer {
    config: Arc<ServerConfig>,
    key_time: Arc<KeyTime>,
}

impl RustlsServer {
    /// A server with this certificate and key, which sends that many tickets after each TLS 1.3 handshake.
    ///
    /// # Errors
    ///
    /// The key is not one for rustls.
    pub fn new(issued: &Issued, tickets: usize) -> Result<Self> {
        let key_time = Arc::new(KeyTime::default());
        let key = Arc::new(MeasuredKey {
            inner: aws_lc_rs::sign::any_supported_type(&issued.key_der)?,
            time: key_time.clone(),
        });
        let certified = CertifiedKey::new(issued.chain_der.clone(), key);
        let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_cert_resolver(resolver);
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = tickets;
        Ok(Self {
            config: Arc::new(config),
            key_time,
        })
    }
}

impl Server for RustlsServer {
    const NAME: &'static str = "rustls";

    type Connection = ServerConnection;

    fn accept(&self) -> Result<ServerConnection> {
        Ok(ServerConnection::new(self.config.clone())?)
    }

    fn take_key_time_us(&self) -> Option<(f64, f64)> {
        Some(self.key_time.take_means_us())
    }
}

impl Connection for ServerConnection {
    fn exchange(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<()> {
        while !input.is_empty() {
            self.read_tls(&mut input)?;
            self.process_new_packets()?;
        }
        while self.wants_write() {
            self.write_tls(output)?;
        }
        Ok(())
    }

    fn is_handshaking(&self) -> bool {
        (**self).is_handshaking()
    }

    fn is_resumed(&self) -> bool {
        self.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    fn send(&mut self, data: &[u8], mut output: Option<&mut Vec<u8>>) -> Result<()> {
        self.writer().write_all(data)?;
        while self.wants_write() {
            match output.as_deref_mut() {
                Some(output) => self.write_tls(output)?,
                None => self.write_tls(&mut io::sink())?,
            };
        }
        Ok(())
    }

    fn receive(&mut self, mut input: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let mut read = 0;
        while !input.is_empty() {
            self.read_tls(&mut input)?;
            self.process_new_packets()?;
            loop {
                match self.reader().read(buffer) {
                    Ok(0) => return Err("rustls has seen the end of the stream".into()),
                    Ok(n) => read += n,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(read)
    }

    fn idle(&mut self) {}
}

/// The key, with a clock beside it.
#[derive(Debug)]
struct MeasuredKey {
    inner: Arc<dyn SigningKey>,
    time: Arc<KeyTime>,
}

impl SigningKey for MeasuredKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(MeasuredSigner {
            inner: self.inner.choose_scheme(offered)?,
            time: self.time.clone(),
        }))
    }

    fn public_key(&self) -> Option<rustls_pki_types::SubjectPublicKeyInfoDer<'_>> {
        self.inner.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.inner.algorithm()
    }
}

#[derive(Debug)]
struct MeasuredSigner {
    inner: Box<dyn Signer>,
    time: Arc<KeyTime>,
}

impl Signer for MeasuredSigner {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rustls::Error> {
        self.time.run(|| Ok(()), |()| self.inner.sign(message))
    }

    fn scheme(&self) -> SignatureScheme {
        self.inner.scheme()
    }
}
