//! `keyward serve` end to end: requests arrive, and the process that faces the network never has
//! the key.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use crate::support::memory;
use crate::support::requests::{client_config, get};
use crate::support::site;
use crate::support::stand::{NAME, Stand};
use crate::support::{Daemon, children, eventually, exists, expect_exit, signal};

struct Served {
    stand: Stand,
    daemon: Daemon,
    address: String,
}

/// Before an HTTP service.
fn serve(more: &[&str]) -> Served {
    serve_to(&format!("http://{}", site::start()), more)
}

fn serve_to(to: &str, more: &[&str]) -> Served {
    let stand = Stand::new();
    let path = |name: &str| stand.path(name).to_str().unwrap().to_owned();
    let (rsa, rsa_key) = (path("certs/rsa.pem"), path("keys/rsa.key"));
    let (ecdsa, ecdsa_key) = (path("certs/ecdsa.pem"), path("keys/ecdsa.key"));
    let mut arguments = vec![
        "serve",
        "--log-format",
        "json",
        "--listen",
        "127.0.0.1:0",
        "--to",
        to,
    ];
    // The keys in another order than the certificates: which belong together is found out.
    for (flag, file) in [
        ("--cert", &ecdsa),
        ("--cert", &rsa),
        ("--key", &rsa_key),
        ("--key", &ecdsa_key),
    ] {
        arguments.extend([flag, file]);
    }
    arguments.extend(more);
    let mut daemon = Daemon::start(&arguments);
    let Some(address) = daemon.logged("listen") else {
        panic!("{:?}", daemon.wait());
    };
    Served {
        stand,
        daemon,
        address,
    }
}

impl Served {
    fn get(&self, path: &str) -> std::io::Result<String> {
        let client = client_config(&self.stand.authority.ca_pem());
        get(&client, &self.address, NAME, path)
    }

    fn key_server(&self) -> u32 {
        let children = children(self.daemon.pid());
        assert_eq!(children.len(), 1, "one child: the key server");
        children[0]
    }
}

fn open_files(pid: u32) -> Vec<PathBuf> {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect()
}

#[test]
fn requests_arrive_and_sigterm_ends_it() {
    let mut served = serve(&[]);
    let response = served.get("/cart").unwrap();
    assert!(response.contains("you asked for /cart"), "{response}");

    let key_server = served.key_server();
    let (code, stderr) = served.daemon.stop();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!exists(key_server));
}

#[test]
fn the_process_that_faces_the_network_never_has_the_key() {
    let served = serve(&[]);
    served.get("/").unwrap();
    let (parent, child) = (served.daemon.pid(), served.key_server());

    for file in open_files(parent) {
        assert!(
            !file.starts_with(served.stand.path("keys")),
            "{file:?} is open"
        );
    }
    if !memory::may_read(parent) {
        return;
    }
    let mut secrets = Vec::new();
    for name in ["rsa", "ecdsa"] {
        let pem = served.stand.secret_file(&format!("keys/{name}.key"));
        secrets.extend(memory::secrets(name, &pem));
    }
    assert_eq!(memory::find(parent, &secrets).unwrap(), [""; 0]);
    // The search is known to work: the child has them.
    let found = memory::find(child, &secrets).unwrap();
    for name in ["rsa p", "rsa q", "ecdsa scalar"] {
        assert!(
            found.iter().any(|found| found == name),
            "{name} not in {found:?}"
        );
    }
}

#[test]
fn the_key_server_is_restarted_when_it_dies_and_ends_with_its_parent() {
    let mut served = serve(&[]);
    let first = served.key_server();
    signal(first, "KILL");
    eventually("another key server answers", || served.get("/").is_ok());
    let second = served.key_server();
    assert_ne!(first, second);

    served.daemon.signal("KILL");
    served.daemon.wait();
    eventually("the key server ended with its parent", || !exists(second));
}

#[test]
fn what_lies_between_the_processes_is_private_and_removed() {
    use std::os::unix::fs::PermissionsExt;

    let mut served = serve(&[]);
    let arguments = fs::read_to_string(format!("/proc/{}/cmdline", served.key_server())).unwrap();
    let config = arguments
        .split('\0')
        .find(|argument| argument.ends_with("keyserver.toml"))
        .unwrap();
    let folder = PathBuf::from(config).parent().unwrap().to_owned();
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(served.daemon.stop().0, Some(0));
    assert!(!folder.exists());
}

#[test]
fn legacy_lets_rsa_key_transport_in() {
    let served = serve(&["--policy", "legacy"]);
    assert!(served.get("/").unwrap().contains("200 OK"));
    let transport = |policy: &Served| {
        std::process::Command::new("openssl")
            .args([
                "s_client",
                "-brief",
                "-tls1_2",
                "-cipher",
                "AES128-GCM-SHA256",
            ])
            .args(["-servername", NAME, "-connect", &policy.address])
            .stdin(std::process::Stdio::null())
            .output()
    };
    match transport(&served) {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(text.contains("AES128-GCM-SHA256"), "{text}");
            let refused = transport(&serve(&[])).unwrap();
            assert!(!refused.status.success());
        }
        Err(error) => println!("skipped: no openssl here: {error}"),
    }
}

#[test]
fn tcp_services_get_the_bytes() {
    // Bare HOST:PORT is TCP.
    let served = serve_to(&site::start().to_string(), &[]);
    let client = client_config(&served.stand.authority.ca_pem());
    let mut stream = crate::support::requests::connect(&client, &served.address, NAME).unwrap();
    stream.write_all(b"GET /raw HTTP/1.1\r\n\r\n").unwrap();
    let mut response = [0; 128];
    let length = stream.read(&mut response).unwrap();
    let response = String::from_utf8_lossy(&response[..length]);
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
}

#[test]
fn wrong_files_are_3_and_named() {
    let stand = Stand::new();
    let combined = [
        stand.secret_file("certs/rsa.pem"),
        stand.secret_file("keys/rsa.key"),
    ]
    .concat();
    stand.write("combined.pem", &combined);
    stand.write("garbage.pem", "garbage");
    stand.write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    for (cert, key, says) in [
        ("certs/none.pem", "keys/rsa.key", "none.pem"),
        ("certs/rsa.pem", "keys/none.key", "none.key"),
        ("garbage.pem", "keys/rsa.key", "garbage.pem"),
        ("certs/rsa.pem", "garbage.pem", "garbage.pem"),
        ("certs/rsa.pem", "encrypted.key", "encrypted"),
        ("certs/rsa.pem", "keys/ecdsa.key", "no --key file"),
        ("combined.pem", "keys/rsa.key", "files of their own"),
        ("combined.pem", "combined.pem", "files of their own"),
    ] {
        let (_, stderr) = expect_exit(
            3,
            &[
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--to",
                "127.0.0.1:1",
                "--cert",
                stand.path(cert).to_str().unwrap(),
                "--key",
                stand.path(key).to_str().unwrap(),
            ],
        );
        assert!(stderr.contains(says), "{cert} {key}: {stderr}");
    }
}

/// Only clients with a certificate, of which the service is told.
#[test]
fn clients_need_a_certificate() {
    let clients = keyward_pki::Authority::new("clients").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("clients.pem");
    fs::write(&ca, clients.ca_pem()).unwrap();
    let served = serve(&["--client-ca", ca.to_str().unwrap()]);
    let error = served.get("/").unwrap_err().to_string();
    assert!(error.contains("CertificateRequired"), "{error}");

    let issued = clients.issue_client("client.example").unwrap();
    let mut client = (*client_config(&served.stand.authority.ca_pem())).clone();
    let key = issued.key_der.clone_key();
    let key = client.crypto_provider().key_provider.load_private_key(key);
    let certified = rustls::sign::CertifiedKey::new(issued.chain_der.clone(), key.unwrap());
    let resolver = rustls::sign::SingleCertAndKey::from(certified);
    client.client_auth_cert_resolver = std::sync::Arc::new(resolver);
    let response = get(&client.into(), &served.address, NAME, "/cart").unwrap();
    assert!(response.contains("you asked for /cart"), "{response}");
}
