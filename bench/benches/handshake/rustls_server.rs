//! The yardstick: rustls as a server, as it comes, with a ticketer.

use std::sync::Arc;

use keyward_bench::Result;
use keyward_pki::Issued;
use rustls::crypto::aws_lc_rs;
use rustls::{ServerConfig, ServerConnection};

use crate::{Connection, Server};

pub(crate) struct RustlsServer(Arc<ServerConfig>);

impl RustlsServer {
    pub(crate) fn new(issued: &Issued) -> Result<Self> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(issued.chain_der.clone(), issued.key_der.clone_key())?;
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self(Arc::new(config)))
    }
}

impl Server for RustlsServer {
    type Connection = ServerConnection;

    fn accept(&self) -> Result<ServerConnection> {
        Ok(ServerConnection::new(self.0.clone())?)
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
}
