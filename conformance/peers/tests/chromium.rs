//! Headless Chromium: the page, its script and a picture of it, all through the edge.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, chromium::Chromium, peer_or_skip, stand::BACKGROUND};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

#[test]
fn page_and_script() {
    let chromium = peer_or_skip!("chromium");
    let certutil = peer_or_skip!("certutil");
    let host = STAND.host(Site::Both);
    let chromium = Chromium::new(&chromium, &certutil, &STAND);
    let document = chromium.dom(&format!("https://{host}/"));
    assert!(document.contains("Served through Keyward"), "{document}");
    // Its script has asked for more, over the same edge.
    assert!(document.contains("forwarded as https"), "{document}");

    let record = &STAND.handshakes_at_least(&host, 1)[0];
    assert_eq!(record.version.as_deref(), Some("TLS 1.3"));
    assert_eq!(record.group.as_deref(), Some("X25519MLKEM768"));
}

#[test]
fn screenshot() {
    let chromium = peer_or_skip!("chromium");
    let certutil = peer_or_skip!("certutil");
    let host = STAND.host(Site::Rsa);
    let chromium = Chromium::new(&chromium, &certutil, &STAND);
    let picture = chromium.screenshot(&format!("https://{host}/"));
    assert_eq!((picture.width, picture.height), (800, 600));
    let background = picture.share_of(BACKGROUND);
    let text = picture.share_of([255; 3]);
    assert!(
        background > 0.8,
        "not the page: {background} of it is its background"
    );
    assert!(text > 0.005, "blank: {text} of it is text");
}
