//! The child's end of two pipes to the `keyward` that started it (hidden flag `--attached`).
//!
//! Standard output: one JSON object a line; the first tells the addresses listened on, so that
//! nobody has to guess a free port. Standard input: one question a line; its end says that the
//! parent is gone, however it went, and that this process has no reason to stay.

use std::io::BufRead;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::output;

/// What a child tells its parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// It listens on these addresses.
    Ready(Vec<String>),
    /// The answer to [`Asked::Operations`].
    Operations(u64),
}

/// What a parent asks its child.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Asked {
    /// How many private-key operations it performed so far.
    Operations,
}

/// The parent, as a child sees it; or nobody, where the command was typed by a person.
pub(crate) struct Parent(Option<mpsc::Receiver<Asked>>);

impl Parent {
    /// Starts to watch standard input if the process was started with `--attached`.
    pub(crate) fn watch(attached: bool) -> Self {
        if !attached {
            return Self(None);
        }
        let (sender, receiver) = mpsc::channel(1);
        // A thread of its own: a blocking read of standard input cannot be cancelled, and must not
        // keep the runtime from shutting down.
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                let Ok(asked) = serde_json::from_str(&line) else {
                    break;
                };
                if sender.blocking_send(asked).is_err() {
                    break;
                }
            }
        });
        Self(Some(receiver))
    }

    /// Tells the parent that the addresses are open.
    pub(crate) fn ready(&self, addresses: Vec<String>) -> Result<(), Failure> {
        self.tell(&Told::Ready(addresses))
    }

    pub(crate) fn tell(&self, told: &Told) -> Result<(), Failure> {
        if self.0.is_none() {
            return Ok(());
        }
        let json = serde_json::to_string(told).map_err(Failure::run_time)?;
        output::line(&json)
    }

    /// The next question; `None` once the parent is gone. Waits for ever without a parent.
    pub(crate) async fn asked(&mut self) -> Option<Asked> {
        match &mut self.0 {
            Some(receiver) => receiver.recv().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json() {
        let ready = serde_json::to_string(&Told::Ready(vec!["127.0.0.1:1".to_owned()])).unwrap();
        assert_eq!(ready, r#"{"ready":["127.0.0.1:1"]}"#);
        let asked = serde_json::to_string(&Asked::Operations).unwrap();
        assert_eq!(asked, r#""operations""#);
        assert_eq!(
            serde_json::from_str::<Asked>(&asked).unwrap(),
            Asked::Operations
        );
    }
}
