//! Scripts for the targets `server` and `client`: what is negotiated, then what happens.

use super::{Seed, seed};

/// Scripts of whole connections, in each version, with each kind of session, each suite and each key.
pub(super) fn servers() -> Vec<Seed> {
    const DATA: [u8; 12] = [0, 18, 1, 0, 14, 4, 0, 25, 19, 1, 25, 0];
    let script = |name: &str, setup: [u8; 5], lists: [u16; 4], events: &[u8]| {
        let mut bytes = setup.to_vec();
        bytes.extend(lists.iter().flat_map(|bits| bits.to_be_bytes()));
        bytes.extend_from_slice(events);
        seed("server", name, bytes)
    };
    let whole = [&[0, 0][..], &DATA].concat();
    let retried = [&[0, 0, 0][..], &DATA].concat();
    let again = [0, 0, 17, 0, 25, 0];
    let mut seeds = vec![
        script("tls13", [0, 2, 1, 0, 0], [0; 4], &whole),
        script("tls13 retry", [0, 2, 1, 0, 0], [0, 0x8000, 0, 0], &retried),
        script(
            "tls13 p256 retry",
            [0, 2, 1, 0, 0],
            [2, 0x8000, 0, 0],
            &retried,
        ),
        script("tls13 resumed", [0, 2, 0x09, 0, 0], [0; 4], &whole),
        script("tls13 early data", [0, 2, 0x09, 4, 0], [0; 4], &whole),
        script("tls12", [0, 0, 2, 0, 0], [0; 4], &whole),
        script("tls12 session id", [0, 0, 2, 1, 2], [0; 4], &whole),
        script(
            "tls12 resumed by ticket",
            [0, 0, 0x0e, 0, 0],
            [0; 4],
            &whole,
        ),
        script("tls12 resumed by id", [0, 0, 0x1e, 0, 2], [0; 4], &whole),
        script("tls12 rsa", [0x0a, 0, 2, 0, 0], [0, 0, 0x200, 0], &whole),
        script("all extensions", [0x60, 1, 0, 0x7f, 0xf8], [0; 4], &whole),
        script(
            "short keys",
            [0, 0x0a, 1, 0, 0],
            [0; 4],
            &[&whole[..], &DATA, &DATA].concat(),
        ),
        script(
            "pieces",
            [0, 0, 1, 0, 0],
            [0; 4],
            &[2, 6, 40, 7, 6, 255, 7, 8, 0, 0, 7, 7, 8, 0, 0, 25, 0],
        ),
        script(
            "close",
            [0, 0, 1, 0, 0],
            [0; 4],
            &[0, 0, 15, 1, 0, 25, 20, 25],
        ),
        script("truncated", [0, 0, 1, 0, 0], [0; 4], &[0, 0, 22, 25]),
        script(
            "renegotiation",
            [0, 0, 2, 0, 0],
            [0; 4],
            &[0, 0, 5, 3, 0, 25],
        ),
        script(
            "noise",
            [0, 0, 0, 0, 0],
            [0; 4],
            &[11, 9, b'G', b'E', b'T', b' ', b'/', 13, 10, 13, 10, 25],
        ),
    ];
    let early = [&[2, 2, 2, 25][..], &whole].concat();
    seeds.extend([
        script("early data taken", [0, 0x22, 0x09, 4, 0], [0; 4], &early),
        script("early data refused", [0, 2, 0x09, 4, 0], [0; 4], &early),
        script(
            "early data and retry",
            [0, 0x22, 0x09, 4, 0],
            [2, 0x8000, 0, 0],
            &[&[0][..], &early].concat(),
        ),
        script(
            "tls13 client certificate",
            [0x80, 0, 1, 0, 0],
            [0; 4],
            &whole,
        ),
        script(
            "tls12 client certificate",
            [0x80, 0, 2, 0, 0],
            [0; 4],
            &whole,
        ),
        script(
            "tls12 rsa cbc",
            [0x0a, 0, 2, 0, 0],
            [0, 0, 0x800, 0],
            &whole,
        ),
        script("tls12 dhe", [0x0a, 0, 2, 0, 0], [0x20, 0, 1, 0], &whole),
        script("tls12 dhe cbc", [0x0a, 0, 2, 0, 0], [0x20, 0, 2, 0], &whole),
        script(
            "tls12 renegotiated",
            [0, 0x80, 2, 8, 0],
            [0; 4],
            &[&again[..], &DATA].concat(),
        ),
        script(
            "tls12 dhe renegotiated by the server",
            [0x8a, 0x80, 2, 8, 0],
            [0x20, 0, 1, 0],
            &[&[0, 0, 17, 2, 25, 0][..], &DATA].concat(),
        ),
        script("tls13 delegated", [0, 0x80, 1, 0x20, 0x18], [0; 4], &whole),
        script(
            "tls13 compressed client certificate",
            [0x80, 0xc0, 1, 0x20, 0x58],
            [0; 4],
            &whole,
        ),
        script("tls12 cbc", [2, 0, 2, 0, 0], [0, 0, 0x1000, 0], &whole),
        script(
            "tls12 encrypt then mac",
            [2, 0, 2, 0x10, 0],
            [0, 0, 0x1000, 0],
            &whole,
        ),
        script(
            "tls12 cbc sha384",
            [0x0a, 0, 2, 0, 0],
            [0, 0, 0x2000, 0],
            &whole,
        ),
    ]);
    for suite in 0..9 {
        let key = if matches!(suite, 2 | 6 | 8) { 0x08 } else { 0 };
        let name = format!("suite {suite}");
        let version = if matches!(suite, 0 | 3 | 4) { 1 } else { 2 };
        seeds.push(script(
            &name,
            [key, 0, version, 0, 0],
            [0, 0, 1 << suite, 0],
            &whole,
        ));
    }
    for (how, name) in [(0, "part left out"), (1, "part twice"), (2, "parts turned")] {
        for version in [1, 2] {
            let name = format!("{name} {version}");
            seeds.push(script(
                &name,
                [0, 0, version, 0, 0],
                [0; 4],
                &[0, 5, how, 0, 25],
            ));
        }
    }
    seeds
}

/// The same from the client's side.
pub(super) fn clients() -> Vec<Seed> {
    const DATA: [u8; 14] = [25, 1, 18, 1, 0, 0, 19, 1, 26, 1, 0, 29, 20, 0];
    let script = |name: &str, setup: [u8; 2], events: &[u8]| {
        let bytes = [&setup[..], events].concat();
        seed("client", name, bytes)
    };
    let whole = [&[0][..], &DATA].concat();
    let pieces = [
        2, 13, 0, 0, 2, 10, 0, 11, 200, 12, 12, 10, 9, 11, 255, 13, 0, 0, 12, 0,
    ];
    let mut seeds = vec![
        script("tls13", [0b0101, 0], &whole),
        script("tls12", [0b1010, 0], &whole),
        script("tls13 resumed", [0b0101, 2], &whole),
        script("tls12 resumed", [0b1010, 3], &whole),
        script(
            "tls13 early data",
            [0b0101, 0x0a],
            &[&[13, 0, 0, 12, 30][..], &whole].concat(),
        ),
        script("retry", [0b0101, 0x40], &whole),
        script("client certificate tls13", [0x45, 0], &whole),
        script("client certificate tls12", [0x4a, 0], &whole),
        script("compressed", [0b0101, 4], &whole),
        script("short records", [0b0101, 0x20], &whole),
        script("rsa", [0x2a, 0], &whole),
        script("legacy", [0x2f, 0], &whole),
        script("pieces", [0b0101, 0], &pieces),
        script("delegated", [0b1000_0101, 0x90], &whole),
        script("compressed client certificate", [0xc5, 4], &whole),
        script("tls12 dhe", [0b1010_1111, 0], &whole),
        script("tls12 rsa key transport", [0b1011_1111, 0], &whole),
        script(
            "tls12 renegotiated",
            [0b1100_1010, 0],
            &[&[0, 26, 0, 0][..], &whole].concat(),
        ),
    ];
    for (at, event) in [
        (0, &[3, 0, 0x40, 0, 1, 9][..]),
        (1, &[5, 1]),
        (2, &[6, 2]),
        (3, &[7]),
        (4, &[8, 11, 4, 0, 0, 0, 0]),
        (5, &[9, 21, 2, 2, 40]),
    ] {
        for version in [0b0101, 0b1010] {
            let name = format!("part {at} {version}");
            let events = [&[13, 0, 0, 2][..], event, &[0]].concat();
            seeds.push(script(&name, [version, 0], &events));
        }
    }
    seeds
}
