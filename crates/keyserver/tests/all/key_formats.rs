//! Keys as OpenSSL writes them, in every format and however encrypted, and what is refused of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keyward_crypto::signature::KeyKind;

use crate::support::{Home, PATIENCE, run, set_mode, start};

const PASSPHRASE: &str = "correct horse, battery staple";

/// Where `openssl` writes keys. `None`, with a line that says so, where there is no OpenSSL; where `CI=true` that is a failure.
struct OpenSsl(PathBuf);

impl OpenSsl {
    fn in_directory(path: PathBuf) -> Option<Self> {
        let found = Command::new("openssl").arg("version").output();
        if found.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "openssl is not installed, and CI=true: .ci/run has to install it"
        );
        eprintln!("openssl is not installed: its key files are not tried");
        None
    }

    /// Runs a command, words apart, with `OUT` for a file among the keys. Others cannot read it.
    fn makes(&self, out: &str, command: &str) {
        let path = self.0.join(out);
        let passphrase = format!("pass:{PASSPHRASE}");
        let words = command.split(' ').map(|word| match word {
            "OUT" => path.as_os_str().to_owned(),
            "PASS" => passphrase.as_str().into(),
            word if word.starts_with("IN:") => self.0.join(&word[3..]).into(),
            word => word.into(),
        });
        let output = Command::new("openssl")
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        set_mode(&path, 0o600);
    }
}

fn write_passphrase(path: &Path, passphrase: &str) {
    std::fs::write(path, passphrase).unwrap();
    set_mode(path, 0o600);
}

/// With the first occurrence of one sequence of bytes replaced by another.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from);
    let at = at.expect("OpenSSL has written what it was told");
    let mut patched = bytes.to_vec();
    patched.splice(at..at + from.len(), to.iter().copied());
    patched
}

#[test]
fn every_format_of_openssl_is_read() {
    let home = Home::new(&[]);
    let Some(openssl) = OpenSsl::in_directory(home.path("keys")) else {
        return;
    };
    let rsa = "genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out OUT";
    let ec =
        |curve| format!("genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out OUT");
    // A key in each file: that the same key is in two would be told, and one of the two be left out.
    let plain: &[(&str, &str)] = &[("rsa-pkcs8.pem", rsa), ("rsa.tmp", rsa)];
    for (file, command) in plain {
        openssl.makes(file, command);
    }
    openssl.makes("rsa-pkcs1.pem", "rsa -traditional -in IN:rsa.tmp -out OUT");
    openssl.makes("rsa2.tmp", rsa);
    openssl.makes(
        "rsa-pkcs1.der",
        "rsa -traditional -in IN:rsa2.tmp -outform DER -out OUT",
    );
    openssl.makes("rsa3.tmp", rsa);
    openssl.makes(
        "rsa-pkcs8.der",
        "pkcs8 -topk8 -nocrypt -in IN:rsa3.tmp -outform DER -out OUT",
    );
    openssl.makes("p256.pem", &ec("P-256"));
    openssl.makes("p384.tmp", &ec("P-384"));
    openssl.makes(
        "p384.key",
        "pkcs8 -topk8 -nocrypt -in IN:p384.tmp -outform DER -out OUT",
    );
    openssl.makes("p521.pem", &ec("P-521"));
    openssl.makes("sec1.pem", "ecparam -name prime256v1 -genkey -out OUT");
    openssl.makes(
        "sec1.tmp",
        "ecparam -name prime256v1 -genkey -noout -out OUT",
    );
    openssl.makes("sec1.der", "ec -in IN:sec1.tmp -outform DER -out OUT");
    openssl.makes("ed25519.pem", "genpkey -algorithm ED25519 -out OUT");
    openssl.makes("ed25519.tmp", "genpkey -algorithm ED25519 -out OUT");
    openssl.makes(
        "ed25519.p8",
        "pkey -in IN:ed25519.tmp -outform DER -out OUT",
    );
    // Chains in both forms, beside the keys.
    let request = "req -x509 -new -subj /CN=shop.example -addext subjectAltName=DNS:shop.example -days 30 -key";
    openssl.makes("p256.crt", &format!("{request} IN:p256.pem -out OUT"));
    openssl.makes(
        "p521.cer",
        &format!("{request} IN:p521.pem -outform DER -out OUT"),
    );

    let report = home.open_config("").check();
    assert_eq!(report.problems.iter().count(), 0, "{:?}", report.problems);
    let keys: Vec<_> = report
        .keys
        .iter()
        .map(|key| (key.label.as_str(), key.kind, key.chains))
        .collect();
    let rsa = KeyKind::Rsa { bits: 2048 };
    assert_eq!(
        keys,
        [
            ("ed25519", KeyKind::Ed25519, 0),
            ("ed25519", KeyKind::Ed25519, 0),
            ("p256", KeyKind::EcP256, 1),
            ("p384", KeyKind::EcP384, 0),
            ("p521", KeyKind::EcP521, 1),
            ("rsa-pkcs1", rsa, 0),
            ("rsa-pkcs1", rsa, 0),
            ("rsa-pkcs8", rsa, 0),
            ("rsa-pkcs8", rsa, 0),
            ("sec1", KeyKind::EcP256, 0),
            ("sec1", KeyKind::EcP256, 0),
        ]
    );
}

#[test]
fn encrypted_keys_are_opened_with_their_passphrase() {
    run(async {
        let home = Home::new(&[]);
        let Some(openssl) = OpenSsl::in_directory(home.path("keys")) else {
            return;
        };
        let ways = [
            ("default.pem", "-v2 aes-256-cbc"),
            ("default.der", "-v2 aes-256-cbc -outform DER"),
            (
                "aes128.pem",
                "-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000",
            ),
            ("aes192.key", "-v2 aes-192-cbc -v2prf hmacWithSHA384"),
            ("sha1.pem", "-v2 aes-256-cbc -v2prf hmacWithSHA1"),
            ("scrypt.pem", "-scrypt"),
            ("scrypt.p8", "-scrypt -outform DER"),
        ];
        for (i, (file, way)) in ways.iter().enumerate() {
            let plain = format!("plain-{i}.tmp");
            openssl.makes(&plain, "ecparam -name prime256v1 -genkey -noout -out OUT");
            openssl.makes(
                file,
                &format!("pkcs8 -topk8 -in IN:{plain} {way} -passout PASS -out OUT"),
            );
        }
        let report = home.open_config("").check();
        assert_eq!(report.problems.errors().len(), ways.len() + 1);
        for (file, _) in ways {
            let problems = report.problems.iter().map(ToString::to_string);
            let mut problems = problems.filter(|problem| problem.contains(file));
            let told = problems.next().unwrap();
            assert!(
                told.contains("encrypted") && told.contains("passphrase_file"),
                "{told}"
            );
        }

        let passphrase = home.path("passphrase");
        for text in [
            PASSPHRASE.to_owned(),
            format!("{PASSPHRASE}\n"),
            format!("{PASSPHRASE}\r\n"),
        ] {
            write_passphrase(&passphrase, &text);
            let config = home.open_config(r#"passphrase_file = "passphrase""#);
            let report = config.check();
            assert_eq!(report.problems.iter().count(), 0, "{:?}", report.problems);
            assert_eq!(report.keys.len(), ways.len());
        }
        let server = start(home.open_config(r#"passphrase_file = "passphrase""#)).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        assert_eq!(server.keys().len(), ways.len());

        // A wrong one, one that others can read, and what is none at all.
        let told = |config: &str| {
            let report = home.open_config(config).check();
            assert!(report.keys.is_empty());
            let errors = report.problems.errors();
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        write_passphrase(&passphrase, "wrong");
        let wrong = told(r#"passphrase_file = "passphrase""#);
        assert_eq!(
            wrong
                .matches("the passphrase is not that of this key")
                .count(),
            ways.len()
        );
        write_passphrase(&passphrase, PASSPHRASE);
        set_mode(&passphrase, 0o644);
        let open = told(r#"passphrase_file = "passphrase""#);
        assert!(
            open.contains("other users can get at this passphrase (mode 0644)"),
            "{open}"
        );
        assert!(
            open.contains(&format!("run `chmod 600 {}`", passphrase.display())),
            "{open}"
        );
        write_passphrase(&passphrase, "two\nlines");
        assert!(told(r#"passphrase_file = "passphrase""#).contains("not one line"));
        assert!(told(r#"passphrase_file = "nowhere""#).contains("cannot read the passphrase"));
        assert!(told(r#"passphrase_credential = "keys""#).contains("$CREDENTIALS_DIRECTORY"));
    });
}

/// What is in a file decides how long it takes to open it, so there is an end to that.
#[test]
fn what_is_weak_costly_or_unknown_is_refused_and_named() {
    let home = Home::new(&["p384"]);
    let Some(openssl) = OpenSsl::in_directory(home.path("keys")) else {
        return;
    };
    write_passphrase(&home.path("passphrase"), PASSPHRASE);
    let rsa = "genpkey -quiet -algorithm RSA -pkeyopt";
    openssl.makes("short.pem", &format!("{rsa} rsa_keygen_bits:1024 -out OUT"));
    openssl.makes(
        "exponent.pem",
        &format!("{rsa} rsa_keygen_pubexp:3 -out OUT"),
    );
    openssl.makes(
        "curve.pem",
        "ecparam -name secp256k1 -genkey -noout -out OUT",
    );
    openssl.makes(
        "plain.tmp",
        "ecparam -name prime256v1 -genkey -noout -out OUT",
    );
    openssl.makes(
        "md5.pem",
        "ec -in IN:plain.tmp -aes256 -passout PASS -out OUT",
    );
    let encrypt = "pkcs8 -topk8 -in IN:plain.tmp -passout PASS -out OUT";
    openssl.makes("pbes1.pem", &format!("{encrypt} -v1 PBE-SHA1-3DES"));
    openssl.makes("des3.pem", &format!("{encrypt} -v2 des3"));
    openssl.makes(
        "iterations.der",
        &format!("{encrypt} -outform DER -iter 65536"),
    );
    openssl.makes("scrypt.der", &format!("{encrypt} -outform DER -scrypt"));
    let patch = |file: &str, from: &[u8], to: &[u8]| {
        let bytes = std::fs::read(home.path("keys").join(file)).unwrap();
        home.write_key(file, &patched(&bytes, from, to));
    };
    patch(
        "iterations.der",
        &[2, 3, 1, 0, 0],
        &[2, 3, 0x7f, 0xff, 0xff],
    );
    patch(
        "scrypt.der",
        &[2, 2, 0x40, 0, 2, 1, 8],
        &[2, 2, 0x40, 0, 2, 1, 0x7f],
    );

    let began = std::time::Instant::now();
    let report = home
        .open_config(r#"passphrase_file = "passphrase""#)
        .check();
    assert!(began.elapsed() < PATIENCE);
    assert_eq!(report.keys.len(), 1, "the good one is served");
    for (file, says) in [
        ("short.pem", "RSA 1024 is too weak"),
        ("exponent.pem", "public exponent below 65537"),
        ("curve.pem", "the curve OID 1.3.132.0.10"),
        ("md5.pem", "PEM's old kind"),
        (
            "pbes1.pem",
            "the key is encrypted by OID 1.2.840.113549.1.12.1.3",
        ),
        ("des3.pem", "openssl pkcs8 -topk8 -v2 aes-256-cbc"),
        ("iterations.der", "8388607 iterations of PBKDF2"),
        ("scrypt.der", "scrypt with N = 16384, r = 127 and p = 1"),
    ] {
        let problems = report.problems.iter().map(ToString::to_string);
        let told: Vec<_> = problems.filter(|problem| problem.contains(file)).collect();
        assert_eq!(told.len(), 1, "{file}: {told:?}");
        assert!(told[0].contains(says), "{file}: {told:?}");
    }
}

/// Whatever bytes follow.
#[test]
fn no_encrypted_file_makes_it_panic() {
    use keyward_crypto::private_key::{Passphrase, PrivateKey};
    let home = Home::new(&[]);
    let Some(openssl) = OpenSsl::in_directory(home.path("keys")) else {
        return;
    };
    openssl.makes(
        "plain.tmp",
        "ecparam -name prime256v1 -genkey -noout -out OUT",
    );
    let encrypt = "pkcs8 -topk8 -in IN:plain.tmp -passout PASS -outform DER -out OUT";
    openssl.makes("key.der", &format!("{encrypt} -iter 1"));
    let bytes = std::fs::read(home.path("keys/key.der")).unwrap();
    let passphrase = Passphrase::new(PASSPHRASE.as_bytes().to_vec().into());
    let open = |bytes: &[u8]| PrivateKey::from_der_with(bytes, Some(&passphrase));
    open(&bytes).unwrap();
    for len in 0..bytes.len() {
        open(&bytes[..len]).unwrap_err();
    }
    // The parameters; a change in what is encrypted may go unnoticed where the public key is not looked at.
    for at in 0..100 {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let _ = open(&changed);
        }
    }
}
