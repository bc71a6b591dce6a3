//! `keyward policy explain`: what the key server's rules say of a request, and which rule says it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use keyward_config::{HostName, NamePattern};
use keyward_keyop::{KeyId, Names, OperationKind};
use keyward_keyserver::{Config, EdgeIdentity, Explanation, Question, Rate, SpiffeId};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::args::{ExplainArgs, PolicyArgs, PolicyCommand};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &PolicyArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        PolicyCommand::Explain(args) => explain(args),
    }
}

/// Exit status 0 is yes, 1 is no.
fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let question = Question {
        edge: identity(&args.edge)?,
        from: args.from,
        key: args.key.clone(),
        operation: args.operation,
        names: names(args.operation, &args.name)?,
    };
    let config = Config::load(&args.config)?;
    let explanation = config.explain(&question)?;
    output::line(&match args.json {
        true => json(&explanation).to_string(),
        false => human(&explanation),
    })?;
    Ok(match explanation.is_allowed() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What is known of the edge. What is not, no rule finds.
fn identity(known: &[String]) -> Result<EdgeIdentity, Failure> {
    let mut identity = EdgeIdentity::unknown();
    for text in known {
        if let Ok(id) = text.parse::<SpiffeId>() {
            identity.spiffe = Some(id);
        } else if let Ok(pin) = text.parse::<KeyId>() {
            identity.spki_sha256 = pin;
        } else if Path::new(text).is_file() {
            identity = of_certificate(Path::new(text))?;
        } else {
            let name = text.parse::<HostName>().map_err(|error| {
                Failure::usage(format!(
                    "--edge {text}: this is neither a DNS name ({error}) nor a SPIFFE ID, a SHA-256 of a public key, or \
                     the file of a certificate"
                ))
            })?;
            identity.names.push(name.as_str().to_owned());
        }
    }
    Ok(identity)
}

fn of_certificate(path: &Path) -> Result<EdgeIdentity, Failure> {
    let wrong = |cause: String| Failure::usage(format!("--edge {}: {cause}", path.display()));
    let leaf = CertificateDer::from_pem_file(path).map_err(|error| wrong(error.to_string()))?;
    EdgeIdentity::from_certificate(&leaf)
        .ok_or_else(|| wrong("the certificate cannot be parsed".to_owned()))
}

/// The names as the operation would show them.
fn names(operation: OperationKind, names: &[String]) -> Result<Names, Failure> {
    let wrong = |name: &str, error| Failure::usage(format!("--name {name}: {error}"));
    match operation {
        OperationKind::Tls13TranscriptHash
        | OperationKind::RawDigest
        | OperationKind::RawRsaDecryption => Ok(Names::Any),
        OperationKind::CertificateRequest | OperationKind::DelegatedCredential => {
            for name in names {
                name.parse::<NamePattern>()
                    .map_err(|error| wrong(name, error))?;
            }
            Ok(Names::Each(
                names.iter().map(|name| name.to_lowercase()).collect(),
            ))
        }
        _ => match names {
            [] => Ok(Names::ServerName(None)),
            [name] => {
                let parsed: HostName = name.parse().map_err(|error| wrong(name, error))?;
                Ok(Names::ServerName(Some(parsed.as_str().to_owned())))
            }
            _ => Err(Failure::usage(format!(
                "{operation} is for one name: give --name once, or not at all for a client that sends none"
            ))),
        },
    }
}

fn human(explanation: &Explanation) -> String {
    let mut text = match explanation.is_allowed() {
        true => "yes".to_owned(),
        false => format!(
            "no: {} (reason {})",
            explanation.cause,
            explanation.refused.code()
        ),
    };
    if let Some(rule) = explanation.rule {
        let which = match explanation.is_allowed() {
            true => "by",
            false => "nearest to it is",
        };
        let _ = write!(text, "\n  {which} [[edge]] number {}", rule + 1);
        if let (Some(file), Some(position)) = (&explanation.file, explanation.position) {
            let _ = write!(text, ", {}:{}", file.display(), position.line);
        }
    }
    if let Some(rate) = explanation.rate {
        let _ = write!(text, "\n  as often as {rate}, for each edge of this rule");
    }
    if let Some(rate) = explanation.key_rate {
        let _ = write!(text, "\n  as often as {rate}, for all edges with this key");
    }
    text
}

fn json(explanation: &Explanation) -> Value {
    let rate = |rate: Rate| json!({ "per_second": rate.per_second, "burst": rate.burst });
    json!({
        "allowed": explanation.is_allowed(),
        "reason": explanation.refused.code(),
        "cause": explanation.cause,
        // As people count them.
        "rule": explanation.rule.map(|rule| rule + 1),
        "file": explanation.file.as_ref().map(|file| file.display().to_string()),
        "line": explanation.position.map(|position| position.line),
        "rate": explanation.rate.map(rate),
        "key_rate": explanation.key_rate.map(rate),
    })
}
