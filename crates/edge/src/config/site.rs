//! `[[site]]`: from the written site to the checked one.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use keyward_config::{InvalidName, NamePattern, Problem, Problems, Source, Spanned};
use keyward_tls::Policy;

use super::raw::RawSite;
use super::read::Checked;
use super::{
    SiteConfig, UpstreamAddress, certificate, client_auth, delegated_credential, early_data,
};
use crate::certificates;

/// The sites without problems of their own; what is wrong with the others is in `problems`.
pub(super) fn all(
    source: &Source,
    raw: &[Spanned<RawSite>],
    problems: &mut Problems,
) -> Vec<SiteConfig> {
    problems.extend(duplicates(source, raw));
    let sites = raw
        .iter()
        .map(|site| one_site(source, site.get_ref(), &site.span()));
    problems.note_all(sites)
}

/// Names and defaults that two sites claim.
fn duplicates(source: &Source, raw: &[Spanned<RawSite>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names: HashMap<NamePattern, Range<usize>> = HashMap::new();
    let mut default: Option<Range<usize>> = None;
    for site in raw.iter().map(Spanned::get_ref) {
        for written in &site.names {
            // What is no name at all is a problem of its own, found elsewhere.
            if let Ok(name) = written.get_ref().parse::<NamePattern>() {
                let what = format!("the name {name}");
                if let Some(first) = names.insert(name, written.span()) {
                    problems.push(duplicate(source, &what, written, first));
                }
            }
        }
        if let Some(written) = site.default.as_ref().filter(|default| *default.get_ref())
            && let Some(first) = default.replace(written.span())
        {
            problems.push(duplicate(source, "the default site", written, first));
        }
    }
    problems
}

fn duplicate<T>(source: &Source, what: &str, written: &Spanned<T>, first: Range<usize>) -> Problem {
    let line = source.position(&first).line;
    source.problem(
        written.span(),
        format!("{what} is there twice, first at line {line}"),
        "keep one of the two",
    )
}

fn one_site(source: &Source, raw: &RawSite, span: &Range<usize>) -> Checked<SiteConfig> {
    let default = raw
        .default
        .as_ref()
        .is_some_and(|default| *default.get_ref());
    if raw.names.is_empty() && !default {
        return Err(source.problem(
            span.clone(),
            "the site has no names, so no client can reach it",
            "add names = [\"shop.example\"], or default = true",
        ));
    }
    let names = raw
        .names
        .iter()
        .map(|name| site_name(source, name))
        .collect::<Checked<Vec<_>>>()?;
    let certificates = raw
        .certificates
        .iter()
        .map(|written| certificate::read(source, written))
        .collect::<Checked<Vec<_>>>()?;
    let upstream: UpstreamAddress = raw.upstream.get_ref().parse().map_err(|error| {
        source.problem(
            raw.upstream.span(),
            format!(
                "\"{}\" is no address of a service: {error}",
                raw.upstream.get_ref()
            ),
            "write \"http://host:port\", \"https://host:port\" or \"tcp://host:port\", \
             without a path",
        )
    })?;
    let upstream_ca =
        match &raw.upstream_ca {
            None => None,
            Some(path) if !matches!(upstream, UpstreamAddress::Https(_)) => {
                return Err(source.problem(
                    path.span(),
                    "upstream_ca is of no use for a service without TLS",
                    "remove it, or write the upstream as https://",
                ));
            }
            Some(path) => {
                let file = source.path(path.get_ref());
                Some(certificates::read_chain(&file).map_err(|error| {
                    source.problem(path.span(), error.to_string(), error.remedy())
                })?)
            }
        };
    let delegated_credential =
        delegated_credential::read(source, raw.delegated_credential.as_ref(), &certificates)?;
    Ok(SiteConfig {
        names,
        certificates,
        delegated_credential,
        alpn: alpn(source, raw, &upstream)?,
        upstream_ca,
        policy: Arc::new(policy(source, raw)?),
        default,
        client_auth: client_auth::read(source, raw)?,
        early_data: early_data::read(source, raw.early_data.as_ref(), &upstream)?,
        upstream,
    })
}

fn site_name(source: &Source, name: &Spanned<String>) -> Checked<NamePattern> {
    name.get_ref().parse().map_err(|error| {
        let remedy = match error {
            InvalidName::IpAddress => {
                "a site with default = true serves clients that connect to an address"
            }
            _ => "write it as \"shop.example\" or \"*.shop.example\"",
        };
        source.problem(
            name.span(),
            format!("\"{}\" is not a DNS name: {error}", name.get_ref()),
            remedy,
        )
    })
}

fn policy(source: &Source, raw: &RawSite) -> Checked<Policy> {
    let mut policy = match &raw.policy {
        None => Policy::default(),
        Some(name) => named_policy(source, name)?,
    };
    if let Some(written) = raw.renegotiation.as_ref().filter(|on| *on.get_ref()) {
        if !policy.legacy {
            return Err(source.problem(
                written.span(),
                "renegotiation is for clients that nothing newer can be had for",
                "remove it, or write policy = \"legacy\" as well",
            ));
        }
        if raw
            .client_auth
            .as_ref()
            .is_some_and(|mode| mode.get_ref() != "off")
        {
            return Err(source.problem(
                written.span(),
                "a client could change its certificate in the middle of a connection",
                "switch off renegotiation, or client_auth: clients are asked in the first handshake",
            ));
        }
        policy.renegotiation = true;
    }
    Ok(policy)
}

fn named_policy(source: &Source, raw: &Spanned<String>) -> Checked<Policy> {
    Policy::by_name(raw.get_ref()).ok_or_else(|| {
        source.problem(
            raw.span(),
            format!("there is no policy \"{}\"", raw.get_ref()),
            "the policies are \"modern\", \"intermediate\" and \"legacy\"",
        )
    })
}

fn alpn(source: &Source, raw: &RawSite, upstream: &UpstreamAddress) -> Checked<Vec<Vec<u8>>> {
    let tcp = matches!(upstream, UpstreamAddress::Tcp(_));
    let Some(written) = &raw.alpn else {
        return Ok(if tcp {
            Vec::new()
        } else {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        });
    };
    for protocol in written.get_ref() {
        let name = protocol.get_ref();
        // RFC 7301 §3.1: opaque ProtocolName<1..2^8-1>
        if name.is_empty() || name.len() > 255 {
            return Err(source.problem(
                protocol.span(),
                "the name of an application protocol has 1 to 255 bytes",
                "correct or remove it",
            ));
        }
        if !tcp && name != "h2" && name != "http/1.1" {
            return Err(source.problem(
                protocol.span(),
                format!("an HTTP site cannot speak \"{name}\""),
                "use \"h2\" and \"http/1.1\", or a tcp:// upstream",
            ));
        }
    }
    Ok(written
        .get_ref()
        .iter()
        .map(|protocol| protocol.get_ref().clone().into_bytes())
        .collect())
}
