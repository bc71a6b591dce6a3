//! Servers that ask who the client is.

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
