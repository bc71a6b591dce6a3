//! Python's `ssl` module, driven by `python/client.py`.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::{process, stand::Stand};

const CLIENT: &str = include_str!("python/client.py");

/// Makes as many connections as the job says, each offering the session of the one before, and returns what Python
/// tells of them. `extra` adds to the job or changes it: `minimum`, `maximum`, `ciphers`, `curve`, `alpn`,
/// `no_tickets`, `connections`, `path`.
#[track_caller]
pub fn connections(python: &Path, stand: &Stand, host: &str, extra: Value) -> Vec<Value> {
    let mut job = json!({
        "address": stand.address().ip().to_string(),
        "port": stand.address().port(),
        "ca": stand.ca_file(),
        "host": host,
        "path": "/",
        "connections": 1,
    });
    if let (Some(job), Value::Object(extra)) = (job.as_object_mut(), extra) {
        job.extend(extra);
    }
    let mut command = Command::new(python);
    command.args(["-I", "-c", CLIENT]);
    let finished = process::run(command, job.to_string().as_bytes()).succeeded();
    serde_json::from_slice(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}", finished.text))
}
