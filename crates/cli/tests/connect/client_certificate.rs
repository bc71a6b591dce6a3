//! Servers that ask who the client is.

use keyward_pki::{Authority, KeyAlgorithm, Request, Usage};

use super::{Stage, openssl};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.save("me", &stage.authority.issue_client("me.example").unwrap());
    stage
}

#[test]
fn shown() {
    let stage = stage();
    let (ca, cert, key) = (
        stage.text("ca.pem"),
        stage.text("me.pem"),
        stage.text("me.key"),
    );
    for version in ["-tls1_3", "-tls1_2"] {
        let options = [
            version,
            "-Verify",
            "1",
            "-verify_return_error",
            "-CAfile",
            &ca,
        ];
        let Some(server) = openssl::serve(&stage, "ecdsa", &options) else {
            return;
        };
        let arguments = ["--cert", &cert, "--key", &key];
        let said = stage.connect(&server.address, &arguments).exits(0);
        assert_eq!(
            said.row("client auth"),
            "asked for, and shown; issued by CN=Test CA"
        );
        let heard = server.stop();
        assert!(heard.contains("me.example"), "{heard}");
    }
}

#[test]
fn not_shown() {
    let stage = stage();
    let ca = stage.text("ca.pem");
    let options = ["-Verify", "1", "-verify_return_error", "-CAfile", &ca];
    let Some(server) = openssl::serve(&stage, "ecdsa", &options) else {
        return;
    };
    stage
        .connect(&server.address, &[])
        .exits(1)
        .says(&["asked for, none shown (--cert, --key)"])
        .complains(&["certificate_required", "show one with --cert and --key"]);
}

#[test]
fn refused_by_the_server() {
    let stage = stage();
    let ca = stage.text("ca.pem");
    let stranger = Authority::new("Stranger").unwrap();
    stage.save("stranger", &stranger.issue_client("me.example").unwrap());
    let request = Request {
        days: 0,
        ..Request::new(&["me.example"], KeyAlgorithm::P256, Usage::Client)
    };
    stage.save("expired", &stage.authority.issue(&request).unwrap());
    // It was valid until the moment in which it was made.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for version in ["-tls1_3", "-tls1_2"] {
        let mut options = vec![version, "-Verify", "1", "-verify_return_error"];
        options.extend(["-CAfile", &ca]);
        for (name, alert) in [
            ("stranger", "unknown_ca"),
            ("expired", "certificate_expired"),
        ] {
            let Some(server) = openssl::serve(&stage, "ecdsa", &options) else {
                return;
            };
            let (cert, key) = (
                stage.text(&format!("{name}.pem")),
                stage.text(&format!("{name}.key")),
            );
            stage
                .connect(&server.address, &["--cert", &cert, "--key", &key])
                .exits(1)
                .complains(&[alert, "the server does not accept the client's certificate"]);
        }
    }
}

#[test]
fn files_that_do_not_fit() {
    let stage = stage();
    let (cert, key) = (stage.text("me.pem"), stage.text("rsa.key"));
    stage
        .connect("127.0.0.1:1", &["--cert", &cert, "--key", &key])
        .exits(3)
        .complains(&["rsa.key is not the key of", "me.pem"]);
    stage
        .connect("127.0.0.1:1", &["--cert", &cert])
        .exits(2)
        .complains(&["--key"]);
}
