//! What was found out about a connection, for people.

use std::io::IsTerminal;
use std::time::Duration;

use keyward_observe::{DrawOptions, Lanes, draw, duration};

use super::chain_text::chain;
use super::found::{Agreed, Certificates, Found, Sessions};
use super::table::{Rows, counted, day, paragraph, span};
use crate::output::glyphs;

/// The groups whose secret a quantum computer does not get from a recording.
const POST_QUANTUM: &str = "MLKEM";

pub(crate) fn report(found: &Found, drawn: bool) -> String {
    let mut parts = vec![heading(found)];
    if drawn {
        parts.push(picture(found));
    }
    if let Some(agreed) = &found.agreed {
        parts.push(rows(found, agreed).to_string());
    }
    if let Some(certificates) = &found.certificates {
        parts.push(chain(&certificates.report));
        parts.push(verdict(found, certificates));
    }
    parts.join("\n")
}

fn heading(found: &Found) -> String {
    let address = found.address.to_string();
    let mut text = match found.handshake.connection {
        1 => found.target.clone(),
        _ => format!("\n{}, a second time, to resume the session", found.target),
    };
    if address != found.target {
        text.push_str(&format!(" ({address})"));
    }
    if !found.target.starts_with(&found.name)
        && !found.target.starts_with(&format!("[{}]", found.name))
    {
        text.push_str(&format!(", as {}", found.name));
    }
    text.push('\n');
    text
}

fn rows(found: &Found, agreed: &Agreed) -> Rows {
    let mut rows = Rows::indented(0, 16);
    rows.add("version", agreed.version.clone());
    rows.add("cipher suite", agreed.cipher_suite.clone());
    rows.add("key exchange", key_exchange(agreed));
    if let Some(scheme) = &agreed.signature_scheme {
        let delegated = found
            .certificates
            .as_ref()
            .is_some_and(|certificates| certificates.delegated_credential);
        rows.add(
            "signature",
            match delegated {
                true => format!("{scheme}, by a delegated credential"),
                false => scheme.clone(),
            },
        );
    }
    rows.add("ALPN", agreed.alpn.as_deref().unwrap_or("none"));
    rows.add("session", session(agreed, &found.sessions));
    if let Some(status) = agreed.early_data {
        rows.add("early data", status);
    }
    if let Some(certificates) = &found.certificates {
        rows.add("OCSP", ocsp(certificates));
        rows.add("timestamps", timestamps(certificates));
    }
    rows.add("client auth", client_authentication(found, agreed));
    rows.add(
        "took",
        format!(
            "{} for TCP, {} for TLS with {}",
            duration(found.connect_us),
            duration(agreed.handshake_us),
            counted(agreed.round_trips as u64, "round trip")
        ),
    );
    rows
}

fn key_exchange(agreed: &Agreed) -> String {
    let mut text = match &agreed.group {
        Some(group) if group.contains(POST_QUANTUM) => format!("{group}, post-quantum"),
        Some(group) => group.clone(),
        None if agreed.resumed => "none, the secret is the session's".to_owned(),
        None => "RSA key transport, without forward secrecy".to_owned(),
    };
    if agreed.hello_retry_request {
        text.push_str(", after HelloRetryRequest");
    }
    if !agreed.extended_master_secret {
        text.push_str("; no extended master secret");
    }
    text
}

fn session(agreed: &Agreed, sessions: &Sessions) -> String {
    let first = match agreed.resumed {
        true => "resumed",
        false => "new",
    };
    if sessions.count == 0 {
        return match agreed.resumed {
            true => first.to_owned(),
            false => format!("{first}; the server gave nothing to resume it by"),
        };
    }
    let early_data = match sessions.max_early_data {
        0 => "no early data".to_owned(),
        bytes => format!("{bytes} bytes of early data"),
    };
    format!(
        "{first}; {} for {}, {early_data}",
        counted(sessions.count as u64, "ticket"),
        span(Duration::from_secs(sessions.lifetime_s))
    )
}

fn ocsp(certificates: &Certificates) -> String {
    match (&certificates.report.status, certificates.ocsp_stapled) {
        (Some(status), _) => format!(
            "stapled: not revoked, as of {}{}",
            day(status.this_update),
            status
                .next_update
                .map(|end| format!(", good until {}", day(end)))
                .unwrap_or_default()
        ),
        (None, true) => "stapled, but not good".to_owned(),
        (None, false) => "not stapled".to_owned(),
    }
}

fn timestamps(certificates: &Certificates) -> String {
    let embedded = certificates
        .report
        .links
        .first()
        .map_or(0, |leaf| leaf.embedded_timestamps);
    match (embedded, certificates.timestamps) {
        (0, 0) => "none".to_owned(),
        (embedded, 0) => format!("{embedded} in the certificate"),
        (0, beside) => format!("{beside} beside the certificate"),
        (embedded, beside) => format!("{embedded} in the certificate, {beside} beside it"),
    }
}

fn client_authentication(found: &Found, agreed: &Agreed) -> String {
    let Some(request) = &found.certificate_request else {
        return match agreed.resumed {
            true => "as in the session".to_owned(),
            false => "not asked for".to_owned(),
        };
    };
    let mut text = match request.answered {
        true => "asked for, and shown".to_owned(),
        false => "asked for, none shown (--cert, --key)".to_owned(),
    };
    if !request.authorities.is_empty() {
        text.push_str(&format!("; issued by {}", request.authorities.join(" or ")));
    }
    text
}

fn verdict(found: &Found, certificates: &Certificates) -> String {
    if certificates.trusted {
        return paint(GREEN, &format!("trusted as {}", found.name)) + "\n";
    }
    let mut text = paint(RED, "NOT TRUSTED") + "\n";
    for rejection in &certificates.report.rejections {
        text.push_str(&paragraph(&rejection.why(), 2));
        if let Some(remedy) = rejection.remedy() {
            text.push_str(&paragraph(&remedy, 4));
        }
    }
    text
}

fn picture(found: &Found) -> String {
    let options = DrawOptions {
        glyphs: glyphs(),
        lanes: Lanes {
            client: "client",
            edge: "server",
            key_server: None,
        },
        ..DrawOptions::default()
    };
    draw(&found.handshake, &options)
}

const GREEN: &str = "32";
const RED: &str = "31;1";

/// Colour on a terminal, unless nobody wants it (<https://no-color.org>).
fn paint(colour: &str, text: &str) -> String {
    let wanted = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    match wanted {
        true => format!("\x1b[{colour}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}
