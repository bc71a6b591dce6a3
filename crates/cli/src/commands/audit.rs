//! `keyward audit`: making, reading, verifying and proving the record of every use of a key.

use std::path::{Path, PathBuf};

use keyward_audit::{Checkpoint, InclusionProof, Reader, Record, Signer, Verifier};
use keyward_crypto::private_key::PrivateKey;
use keyward_pki::{KeyAlgorithm, private_key_pem, write_private, write_public};
use serde_json::Value;

use crate::args::{
    AuditArgs, AuditCheckProofArgs, AuditCommand, AuditInitArgs, AuditProveArgs, AuditShowArgs,
    AuditVerifyArgs,
};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &AuditArgs) -> Result<(), Failure> {
    match &args.command {
        AuditCommand::Init(args) => init(args),
        AuditCommand::Show(args) => show(args),
        AuditCommand::Verify(args) => verify(args),
        AuditCommand::Prove(args) => prove(args),
        AuditCommand::CheckProof(args) => check_proof(args),
    }
}

fn init(args: &AuditInitArgs) -> Result<(), Failure> {
    let pem = private_key_pem(KeyAlgorithm::Ed25519)?;
    let key = PrivateKey::from_pem(pem.as_bytes()).map_err(Failure::run_time)?;
    let signer = Signer::new(&args.name, key).map_err(Failure::usage)?;
    let public = args.key.with_extension("pub");
    if public == args.key {
        return Err(Failure::usage(
            "the private key cannot be called `.pub`: the public one is",
        ));
    }
    write_private(&args.key, pem.as_bytes())?;
    write_public(&public, format!("{}\n", signer.verifier()).as_bytes())?;
    output::print(&format!(
        "# {} verifies the log: keep a copy elsewhere. In the key server's configuration:\n\
         [audit]\n\
         directory = \"audit\"\n\
         key = \"{}\"\n\
         name = \"{}\"\n\
         mode = \"strict\"\n",
        public.display(),
        args.key.display(),
        args.name
    ))
}

/// The log, and whether its public key is from elsewhere.
fn open(dir: &Path, verifier: Option<&str>) -> Result<(Reader, bool), Failure> {
    let given = verifier.is_some();
    let verifier = match verifier {
        Some(text) => text.to_owned(),
        None => dir.join("verifier").display().to_string(),
    };
    let verifier = parse_verifier(&verifier)?;
    let reader = Reader::open(dir, verifier).map_err(Failure::run_time)?;
    Ok((reader, given))
}

/// A verifier key, or the file that has one.
fn parse_verifier(text: &str) -> Result<Verifier, Failure> {
    if text.contains('+') && !Path::new(text).exists() {
        return Verifier::parse(text).map_err(Failure::usage);
    }
    let content = std::fs::read_to_string(text).map_err(|cause| {
        Failure::run_time(format!(
            "cannot read the log's public key from {text}: {cause}; is this the folder of a log?"
        ))
    })?;
    Verifier::parse(&content).map_err(|error| Failure::run_time(format!("{text}: {error}")))
}

fn show(args: &AuditShowArgs) -> Result<(), Failure> {
    let (reader, _) = open(&args.log, args.verifier.as_deref())?;
    let mut shown = std::collections::VecDeque::new();
    for record in reader.records(args.from) {
        let record = record.map_err(Failure::run_time)?;
        let value: Value = serde_json::from_slice(&record.bytes).unwrap_or(Value::Null);
        if !wanted(args, &value) {
            continue;
        }
        let line = match args.json {
            true => json(&record, value),
            false => human(&record, &value),
        };
        match args.last {
            Some(last) => {
                shown.push_back(line);
                if shown.len() > last {
                    shown.pop_front();
                }
            }
            None => output::line(&line)?,
        }
    }
    shown.iter().try_for_each(|line| output::line(line))
}

fn wanted(args: &AuditShowArgs, record: &Value) -> bool {
    let is = |field: &str, wanted: &Option<String>| {
        wanted
            .as_deref()
            .is_none_or(|wanted| text(record, field) == wanted)
    };
    let key = args
        .key
        .as_deref()
        .is_none_or(|key| text(record, "label") == key || text(record, "key").starts_with(key));
    key && is("edge", &args.edge)
        && is("operation", &args.operation)
        && (!args.refused || text(record, "verdict") != "performed")
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

fn json(record: &Record, value: Value) -> String {
    match value {
        Value::Object(mut fields) => {
            fields.insert("index".to_owned(), record.index.into());
            escaped(&Value::Object(fields).to_string())
        }
        _ => serde_json::json!({ "index": record.index, "unreadable": true }).to_string(),
    }
}

fn human(record: &Record, value: &Value) -> String {
    if value.is_null() {
        return format!("{:>8}  (not written by a key server)", record.index);
    }
    let names = match &value["names"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            names.join(",")
        }
        Value::Null if value.get("names").is_some() => "(no name)".to_owned(),
        _ => "-".to_owned(),
    };
    let key = match text(value, "label") {
        "" => text(value, "key"),
        label => label,
    };
    let mut line = format!(
        "{:>8}  {}  {}  {}  {key}  {names}  {}",
        record.index,
        text(value, "time"),
        text(value, "edge"),
        text(value, "operation"),
        text(value, "verdict"),
    );
    match text(value, "cause") {
        "" => line.push_str(&format!("  {} us", value["work_us"])),
        cause => line.push_str(&format!(": {cause}")),
    }
    printable(&line)
}

/// Names come from certificates and clients, and the log from who knows where: nothing in it may move a terminal's cursor.
fn printable(text: &str) -> String {
    let shown = |c| if is_unseen(c) { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// The same for JSON, in which control characters above U+007E need not be escaped.
fn escaped(json: &str) -> String {
    json.chars().fold(String::new(), |mut escaped, c| {
        match is_unseen(c) {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
        escaped
    })
}

/// What moves the cursor, or changes the direction of text.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn verify(args: &AuditVerifyArgs) -> Result<(), Failure> {
    let (reader, given) = open(&args.log, args.verifier.as_deref())?;
    let kept: Vec<Checkpoint> = args
        .kept
        .iter()
        .map(|path| kept_checkpoint(path, &args.log, args.verifier.as_deref()))
        .collect::<Result<_, _>>()?;
    let verification = reader.verify(&kept).map_err(Failure::run_time)?;
    for finding in &verification.findings {
        output::line(&format!("DAMAGED  {finding}"))?;
    }
    if !verification.is_whole() {
        return Err(Failure::run_time(format!(
            "{}: the log is not as it was written",
            args.log.display()
        )));
    }
    let Checkpoint { size, root } = verification.checkpoint;
    output::line(&format!("whole: {size} records, root {root}"))?;
    if verification.unfinished > 0 {
        output::line(&format!(
            "{} bytes at the end are of a batch that is being written, or was interrupted; no answer depended on it",
            verification.unfinished
        ))?;
    }
    if !given {
        output::line(
            "verified with the key in the log's own folder; who can write there can replace both. Give --verifier with a \
             copy from elsewhere",
        )?;
    }
    if let (Some(path), Some(note)) = (&args.keep, &verification.note) {
        std::fs::write(path, note).map_err(|cause| cannot_write(path, &cause))?;
    }
    Ok(())
}

fn cannot_write(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::run_time(format!("cannot write {}: {cause}", path.display()))
}

fn kept_checkpoint(
    path: &PathBuf,
    log: &Path,
    verifier: Option<&str>,
) -> Result<Checkpoint, Failure> {
    let own = log.join("verifier").display().to_string();
    let verifier = parse_verifier(verifier.unwrap_or(&own))?;
    let note = std::fs::read(path)
        .map_err(|cause| Failure::run_time(format!("cannot read {}: {cause}", path.display())))?;
    Checkpoint::open(&note, &verifier).ok_or_else(|| {
        Failure::run_time(format!(
            "{} is no checkpoint that {} signed",
            path.display(),
            verifier.name()
        ))
    })
}

fn prove(args: &AuditProveArgs) -> Result<(), Failure> {
    let (reader, _) = open(&args.log, args.verifier.as_deref())?;
    let proof = reader.prove(args.index).map_err(Failure::run_time)?;
    output::print(&proof.to_string())
}

fn check_proof(args: &AuditCheckProofArgs) -> Result<(), Failure> {
    let verifier = parse_verifier(&args.verifier)?;
    let path = args.proof.display();
    let content = std::fs::read_to_string(&args.proof)
        .map_err(|cause| Failure::run_time(format!("cannot read {path}: {cause}")))?;
    let proof = InclusionProof::parse(&content).ok_or_else(|| {
        Failure::run_time(format!(
            "{path} is no proof; `keyward audit prove` makes one"
        ))
    })?;
    let record = proof.record().unwrap_or_default();
    let Some(checkpoint) = proof.verify(record, &verifier) else {
        return Err(Failure::run_time(format!(
            "{path} does not prove that the log {} has this record",
            verifier.name()
        )));
    };
    output::line(&printable(&String::from_utf8_lossy(record)))?;
    output::line(&format!(
        "is record {} of the log {}, which had {} records then",
        proof.index,
        verifier.name(),
        checkpoint.size
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> (Record, Value) {
        let value = serde_json::from_str(json).unwrap();
        let bytes = json.as_bytes().to_vec();
        (Record { index: 7, bytes }, value)
    }

    #[test]
    fn nothing_in_a_record_moves_the_cursor() {
        for field in [
            "time",
            "edge",
            "label",
            "operation",
            "names",
            "verdict",
            "cause",
        ] {
            let (record, value) = record(&format!(
                r#"{{"{field}":"a\u001b[2Jb\u009b1Ac\u202ed\ne"}}"#
            ));
            let line = human(&record, &value);
            assert!(
                line.contains("a\u{fffd}[2Jb\u{fffd}1Ac\u{fffd}d\u{fffd}e"),
                "{line:?}"
            );
            let line = json(&record, value.clone());
            assert!(!line.contains(is_unseen), "{line:?}");
            assert_eq!(
                serde_json::from_str::<Value>(&line).unwrap()[field],
                value[field]
            );
        }
    }
}
