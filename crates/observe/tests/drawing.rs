//! The drawings are what the snapshots in `tests/snapshots/` show.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p keyward-observe` writes them anew.

use std::path::Path;

use Party::{Client, Edge, KeyServer};
use keyward_observe::{
    DrawOptions, Event, Glyphs, HandshakeRecord, NeedTiming, Outcome, Party, draw,
};

fn record(events: &[(u64, Party, Party, &str)], key_operation_us: Option<u64>) -> HandshakeRecord {
    let mut record = HandshakeRecord::new(1);
    for &(at_us, from, to, what) in events {
        record.events.push(Event::new(at_us, from, to, what, 100));
    }
    record.needs.push(NeedTiming {
        kind: "certificate".to_owned(),
        at_us: 10,
        us: 4,
    });
    if let Some(us) = key_operation_us {
        record.needs.push(NeedTiming {
            kind: NeedTiming::KEY_OPERATION.to_owned(),
            at_us: 240,
            us,
        });
    }
    record.outcome = Outcome::Completed;
    record
}

fn tls13_full() -> HandshakeRecord {
    record(
        &[
            (0, Client, Edge, "ClientHello"),
            (240, Edge, KeyServer, "Tls13ServerCertificateVerify"),
            (745, KeyServer, Edge, "signature"),
            (812, Edge, Client, "ServerHello"),
            (812, Edge, Client, "EncryptedExtensions"),
            (812, Edge, Client, "Certificate"),
            (812, Edge, Client, "CertificateVerify"),
            (812, Edge, Client, "Finished"),
            (1603, Client, Edge, "Finished"),
            (1603, Client, Edge, "HTTP request"),
            (1690, Edge, Client, "NewSessionTicket"),
            (1690, Edge, Client, "NewSessionTicket"),
            (12_040, Edge, Client, "HTTP response"),
        ],
        Some(505),
    )
}

fn tls12_rsa() -> HandshakeRecord {
    record(
        &[
            (0, Client, Edge, "ClientHello"),
            (90, Edge, Client, "ServerHello"),
            (90, Edge, Client, "Certificate"),
            (90, Edge, Client, "ServerHelloDone"),
            (700, Client, Edge, "ClientKeyExchange"),
            (700, Client, Edge, "ChangeCipherSpec"),
            (700, Client, Edge, "Finished"),
            (733, Edge, KeyServer, "Tls12RsaMasterSecret"),
            (2_411, KeyServer, Edge, "master secret"),
            (2_500, Edge, Client, "NewSessionTicket"),
            (2_500, Edge, Client, "ChangeCipherSpec"),
            (2_500, Edge, Client, "Finished"),
        ],
        Some(1_678),
    )
}

fn check(name: &str, picture: &str, width: usize) {
    for line in picture.lines() {
        assert!(line.chars().count() <= width, "too wide: {line}");
        assert_eq!(line, line.trim_end());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, picture).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(picture, expected, "differs from {}", path.display());
}

#[test]
fn tls13_full_ascii() {
    let options = DrawOptions {
        tcp: true,
        ..DrawOptions::default()
    };
    let picture = draw(&tls13_full(), &options);
    assert!(picture.is_ascii());
    check("tls13_full", &picture, 96);
}

#[test]
fn tls13_full_unicode() {
    let options = DrawOptions {
        glyphs: Glyphs::Unicode,
        ..DrawOptions::default()
    };
    check("tls13_full_unicode", &draw(&tls13_full(), &options), 96);
}

#[test]
fn tls12_rsa_narrow_and_without_times() {
    let options = DrawOptions {
        width: 80,
        times: false,
        ..DrawOptions::default()
    };
    check("tls12_rsa_narrow", &draw(&tls12_rsa(), &options), 80);
}

#[test]
fn a_failure_says_why_and_cannot_move_the_cursor() {
    let mut failed = record(&[(0, Client, Edge, "ClientHello\x1b[2J")], None);
    failed.outcome = Outcome::Failed(
        "the key server home.example:2410 is out of reach: connection refused; is it running, and \
         is the address under [key_server] right?"
            .to_owned(),
    );
    let picture = draw(&failed, &DrawOptions::default());
    assert!(!picture.contains('\x1b'));
    check("failed", &picture, 96);
}

#[test]
fn a_resumed_handshake_never_reaches_the_key_server() {
    let resumed = record(
        &[
            (0, Client, Edge, "ClientHello"),
            (130, Edge, Client, "ServerHello"),
            (130, Edge, Client, "EncryptedExtensions"),
            (130, Edge, Client, "Finished"),
            (410, Client, Edge, "Finished"),
        ],
        None,
    );
    check(
        "tls13_resumed",
        &draw(&resumed, &DrawOptions::default()),
        96,
    );
}
