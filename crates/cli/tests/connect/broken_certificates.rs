//! Certificates that no CA should have issued, and one that it revoked, each refused for what is wrong with it. Made with
//! OpenSSL's tools, as `keyward pki` makes no such.

use std::fs;

use super::{Stage, openssl};

/// Enough for `openssl req`, whatever the distribution's configuration says.
const CONFIGURATION: &str = "[req]\ndistinguished_name = name\n[name]\n";

const NAMED: &str = "subjectAltName = DNS:shop.example";

/// A stage whose CA has its key in a file.
fn stage() -> Stage {
    let stage = Stage::new();
    fs::create_dir(stage.path("ca")).unwrap();
    stage.authority.save(&stage.path("ca")).unwrap();
    fs::write(stage.path("req.cnf"), CONFIGURATION).unwrap();
    stage
}

/// What is special about a certificate.
#[derive(Clone, Copy)]
struct Special<'a> {
    /// Its extensions.
    extensions: &'a str,
    /// The kind of its key.
    key: &'a [&'a str],
    /// The digest of its signature.
    digest: &'a str,
    /// Who signs it.
    signed_by: &'a [&'a str],
}

/// Nothing is.
const USUAL: Special = Special {
    extensions: NAMED,
    key: &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    digest: "-sha256",
    signed_by: &["-CA", "ca/ca.pem", "-CAkey", "ca/ca.key"],
};

/// Makes the files `made.pem` and `made.key`.
fn make(stage: &Stage, special: &Special) -> Option<()> {
    let mut request = vec!["req", "-new", "-nodes", "-config", "req.cnf"];
    request.extend(["-subj", "/CN=shop.example", "-keyout", "made.key"]);
    request.extend(["-out", "made.csr", "-newkey"]);
    request.extend(special.key);
    openssl::tool(stage, &request)?;
    fs::write(stage.path("made.ext"), special.extensions).unwrap();
    let mut issue = vec!["x509", "-req", "-in", "made.csr", "-out", "made.pem"];
    issue.extend(["-days", "2", "-set_serial", "7", "-extfile", "made.ext"]);
    issue.push(special.digest);
    issue.extend(special.signed_by);
    openssl::tool(stage, &issue)
}

/// That a server with the certificate, and these options, is refused in both versions, in these words.
#[track_caller]
fn refused(stage: &Stage, options: &[&str], words: &[&str]) {
    for version in ["-tls1_3", "-tls1_2"] {
        let mut all = vec![version];
        all.extend(options);
        let Some(server) = openssl::serve(stage, "made", &all) else {
            return;
        };
        stage
            .connect_with(&server.address, &[], b"secret")
            .exits(1)
            .says(&["NOT TRUSTED"])
            .says(words)
            .complains(&["is not trusted"]);
        let heard = server.stop();
        assert!(!heard.contains("secret"), "{heard}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let stage = stage();
    let cases = [
        (
            Special {
                signed_by: &["-signkey", "made.key"],
                ..USUAL
            },
            "the certificate of shop.example is signed by nobody but itself",
        ),
        (
            Special {
                extensions: "basicConstraints = CA:FALSE",
                ..USUAL
            },
            "the certificate says shop.example only in its common name, and has no subject alternative name for \
             shop.example",
        ),
        (
            Special {
                extensions: "subjectAltName = DNS:bank.example",
                ..USUAL
            },
            "the certificate is for bank.example, not for shop.example",
        ),
        (
            Special {
                extensions: "subjectAltName = DNS:shop.example\nextendedKeyUsage = clientAuth",
                ..USUAL
            },
            "the certificate of shop.example is not for serverAuth but for clientAuth",
        ),
        (
            Special {
                extensions: "subjectAltName = DNS:shop.example\nbasicConstraints = critical,CA:TRUE",
                ..USUAL
            },
            "the certificate of shop.example is that of a certificate authority",
        ),
        (
            Special {
                extensions: "subjectAltName = DNS:shop.example\n1.2.3.4 = critical,DER:05:00",
                ..USUAL
            },
            "the certificate of shop.example has the critical extension 1.2.3.4, whose meaning is not known here",
        ),
        (
            Special {
                digest: "-sha1",
                ..USUAL
            },
            "the certificate of shop.example is signed with ecdsa-with-SHA1, which proves nothing",
        ),
    ];
    for (special, words) in cases {
        if make(&stage, &special).is_none() {
            return;
        }
        // For the last one OpenSSL has to be talked into it.
        refused(&stage, &["-cipher", "ALL:@SECLEVEL=0"], &[words]);
    }
}

/// The engine knows no such keys, so that it does not come to the question of trust.
#[test]
fn a_key_that_is_too_short() {
    let stage = stage();
    let special = Special {
        key: &["rsa:1024"],
        ..USUAL
    };
    if make(&stage, &special).is_none() {
        return;
    }
    let options = ["-cipher", "ALL:@SECLEVEL=0"];
    let Some(server) = openssl::serve(&stage, "made", &options) else {
        return;
    };
    stage
        .connect(&server.address, &[])
        .exits(1)
        .complains(&["its key is of an unknown kind or too short"]);
}

/// Asks the stage's CA for the status of the certificate, by its line in the list; `status.der` is the response.
fn status(stage: &Stage, line: &str) -> Option<()> {
    fs::write(stage.path("index.txt"), line).unwrap();
    fs::write(stage.path("index.txt.attr"), "unique_subject = no\n").unwrap();
    openssl::tool(
        stage,
        &[
            "ocsp",
            "-index",
            "index.txt",
            "-CA",
            "ca/ca.pem",
            "-rsigner",
            "ca/ca.pem",
            "-rkey",
            "ca/ca.key",
            "-issuer",
            "ca/ca.pem",
            "-cert",
            "made.pem",
            "-ndays",
            "1",
            "-respout",
            "status.der",
        ],
    )
}

#[test]
fn a_stapled_response_is_believed() {
    let stage = stage();
    if make(&stage, &USUAL).is_none() {
        return;
    }
    let end = "991231235959Z";
    status(
        &stage,
        &format!("V\t{end}\t\t07\tunknown\t/CN=shop.example\n"),
    );
    let options = ["-status_file", "status.der"];
    for version in ["-tls1_3", "-tls1_2"] {
        let Some(server) = openssl::serve(&stage, "made", &[&options[..], &[version]].concat())
        else {
            return;
        };
        stage
            .connect(&server.address, &["--require-ocsp"])
            .exits(0)
            .says(&["trusted as shop.example", "stapled: not revoked"]);
    }
    let since = "240229120000Z,keyCompromise";
    let revoked = format!("R\t{end}\t{since}\t07\tunknown\t/CN=shop.example\n");
    status(&stage, &revoked);
    refused(
        &stage,
        &options,
        &[
            "the certificate of shop.example is revoked since 2024-02-29 12:00 UTC (key compromise), as the stapled OCSP response says",
        ],
    );
}
