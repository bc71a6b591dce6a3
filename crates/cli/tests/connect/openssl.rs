//! `openssl s_server`, and OpenSSL's other tools.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use super::Stage;

/// A server in the background. Killed when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
    reader: Option<JoinHandle<String>>,
}

/// Starts it on a free port with the stage's certificate of this name. `None`, and a line that says
/// so, where there is no OpenSSL; where `CI=true` that is a failure.
pub(super) fn serve(stage: &Stage, certificate: &str, more: &[&str]) -> Option<Server> {
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-accept", "127.0.0.1:0", "-cert"])
        .arg(stage.path(&format!("{certificate}.pem")))
        .arg("-key")
        .arg(stage.path(&format!("{certificate}.key")))
        .args(more);
    start(&mut command, stage.dir.path())
}

fn start(command: &mut Command, dir: &Path) -> Option<Server> {
    let spawned = command
        .current_dir(dir)
        // At its end the server would end as well.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = installed(spawned)?;
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "openssl ended");
        if let Some(address) = line.trim().strip_prefix("ACCEPT ") {
            break address.to_owned();
        }
    };
    // Its pipe must not fill up.
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = stdout.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    });
    Some(Server {
        child,
        address,
        reader: Some(reader),
    })
}

/// What came of starting it, or `None` where it is not installed.
fn installed<T>(spawned: io::Result<T>) -> Option<T> {
    spawned
        .inspect_err(|error| {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "openssl is not installed, and CI=true: .ci/run has to install it"
            );
            println!("skipped: no openssl here: {error}");
        })
        .ok()
}

/// Runs another of its tools in the stage's folder. `None` as with [`serve`].
pub(super) fn tool(stage: &Stage, arguments: &[&str]) -> Option<()> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(stage.dir.path())
        .output();
    let output = installed(output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    Some(())
}

impl Server {
    /// Ends it; returns what it printed, the data from clients among it.
    pub(super) fn stop(mut self) -> String {
        let _ = self.child.kill();
        self.reader.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
