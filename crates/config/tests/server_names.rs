//! What a configuration can name is what a client can ask for, neither more nor less.

use keyward_config::{HostName, NamePattern};
use keyward_wire::ServerName;
use proptest::prelude::*;

fn agree(text: &str) {
    let sent = text.parse::<ServerName>().ok();
    let named = text.parse::<HostName>().ok();
    assert_eq!(
        sent.as_ref().map(ServerName::as_str),
        named.as_ref().map(HostName::as_str),
        "{text:?}"
    );
    // A name that can be sent is matched by its own pattern; no other text is one.
    match (&sent, text.parse::<NamePattern>()) {
        (Some(sent), Ok(pattern @ NamePattern::Exact(_))) => {
            assert!(pattern.matches(sent.as_str()), "{text:?}");
        }
        (None, Ok(NamePattern::Wildcard(_)) | Err(_)) => (),
        other => panic!("{text:?}: {other:?}"),
    }
    // A wildcard is one exactly if there is a label that makes a name of it.
    let filled = format!("a.{text}").parse::<ServerName>();
    match (&filled, format!("*.{text}").parse::<NamePattern>()) {
        (Ok(filled), Ok(pattern)) => assert!(pattern.matches(filled.as_str()), "{text:?}"),
        (Err(_), Err(_)) => (),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn at_the_bounds() {
    let labels = |last: usize| [&"a".repeat(63)[..]; 3].join(".") + "." + &"b".repeat(last);
    for text in [
        "",
        ".",
        "*",
        "*.shop.example",
        "edge",
        "Shop.Example",
        "shop.example.",
        ".shop.example",
        "a..example",
        "-a.example",
        "a-.example",
        "r3---a.example",
        "_dmarc.example",
        "bücher.example",
        "xn--bcher-kva.example",
        "127.0.0.1",
        "1.2.3.4.example",
        "1.2.3.999",
        "1.2.3",
        "123",
        "::1",
        "[::1]",
        "2001:db8::1",
        "shop.example:443",
        "a\0.example",
        &("a".repeat(63) + ".example"),
        &("a".repeat(64) + ".example"),
        &labels(58),
        // 251 characters: with the shortest label and its dot, the longest name.
        &labels(59),
        &labels(60),
        &labels(61),
        &labels(62),
    ] {
        agree(text);
    }
}

proptest! {
    #[test]
    fn everywhere(text in "[a-cA-C0-2._*: é-]{0,12}") {
        agree(&text);
    }

    #[test]
    fn in_long_names(text in "([a-z0-9]{60,64}\\.){3,4}[a-z0-9]{0,64}") {
        agree(&text);
    }
}
