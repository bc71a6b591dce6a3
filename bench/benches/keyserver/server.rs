//! The key server in a process of its own: this program again, with [`SERVE`] as its first argument.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keyward_bench::{Result, processor_time};
use keyward_keyop::OperationKind;
use keyward_keyserver::{Address, Config, EdgeConfig, KeySelector, KeyServer};

/// The argument that makes this program the key server.
pub(crate) const SERVE: &str = "--serve";

/// Of the files in `directory`, those with the sites' keys.
pub(crate) fn keys_directory(directory: &Path) -> PathBuf {
    directory.join("keys")
}

/// Runs the key server until standard input ends. Prints its address.
pub(crate) fn serve(directory: &Path) -> Result<()> {
    let file = |name: &str| directory.join(name);
    let listen = vec!["127.0.0.1:0".parse::<Address>()?];
    let mut config = Config::new(
        listen,
        file("keyserver.pem"),
        file("keyserver.key"),
        file("ca.pem"),
    );
    config.keys.directory = Some(keys_directory(directory));
    config.edges.push(EdgeConfig {
        name: Some("edge".parse()?),
        spiffe: None,
        spki_sha256: None,
        from: Vec::new(),
        keys: vec![KeySelector::All],
        operations: vec![OperationKind::Tls13ServerCertificateVerify],
        names: vec![keyward_bench::SERVER_NAME.parse()?],
        allow_no_sni: false,
        administrator: false,
        rate: None,
    });
    tokio::runtime::Runtime::new()?.block_on(async {
        let server = KeyServer::start(config).await?;
        println!("{}", server.addresses()[0]);
        std::io::stdout().flush()?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        server.shutdown().await;
        Ok(())
    })
}

/// The running key server, from outside.
pub(crate) struct KeyServerProcess {
    child: Child,
    address: Address,
}

impl KeyServerProcess {
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let stdout = child.stdout.take().ok_or("standard output is not piped")?;
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(Self {
            child,
            address: address.trim().parse()?,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// What all its threads have spent, user and system.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        processor_time::of_process(self.child.id())
    }
}

impl Drop for KeyServerProcess {
    fn drop(&mut self) {
        // Its standard input ends here, and so does it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
