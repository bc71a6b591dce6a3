//! The one task that writes to a connection.

use std::io;
use std::time::Duration;

use keyward_protocol::Frame;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::error;
use zeroize::{Zeroize, Zeroizing};

use crate::in_flight::Bytes;

/// Frames that are written together, in one TLS record where they fit.
const BATCH: usize = 64;

/// Bytes that are written together: one TLS record's worth.
const BATCH_LEN: usize = 16 * 1024;

/// How many frames other than replies may wait to be written before the reader stops reading.
const CONTROL: usize = 16;

/// The ends of a connection's write queue.
pub(crate) struct Outgoing {
    /// Answers of the workers. Each has its place reserved, so the bound is that of the requests in flight.
    pub(crate) replies: mpsc::Sender<Bytes>,
    /// All other frames; who sends one waits while the edge does not read.
    pub(crate) control: Control,
}

/// Sends frames that are no answers of workers.
#[derive(Clone)]
pub(crate) struct Control(mpsc::Sender<Bytes>);

impl Control {
    /// Queues a frame; `false` if the connection cannot be written to any more.
    pub(crate) async fn send(&self, frame: &Frame) -> bool {
        match frame.encode() {
            Ok(bytes) => self.0.send(bytes).await.is_ok(),
            Err(error) => {
                error!(%error, "frame not sent");
                true
            }
        }
    }
}

/// What the writer task reads from.
pub(crate) struct Incoming {
    replies: mpsc::Receiver<Bytes>,
    control: mpsc::Receiver<Bytes>,
}

/// The write queue of a connection that may have `in_flight` requests.
pub(crate) fn queue(in_flight: u16) -> (Outgoing, Incoming) {
    let (replies, reply_receiver) = mpsc::channel(usize::from(in_flight).max(1));
    let (control, control_receiver) = mpsc::channel(CONTROL);
    (
        Outgoing {
            replies,
            control: Control(control),
        },
        Incoming {
            replies: reply_receiver,
            control: control_receiver,
        },
    )
}

/// Writes until the reader's end of the queue is gone, then says goodbye. Ends early if the edge does not read for `limit`.
pub(crate) async fn run<W: AsyncWrite + Unpin>(writer: W, mut incoming: Incoming, limit: Duration) {
    let mut frames = Vec::with_capacity(BATCH);
    let mut batch = Batch {
        writer,
        bytes: Zeroizing::new(Vec::with_capacity(BATCH_LEN)),
    };
    loop {
        let replies_end = incoming.replies.is_closed() && incoming.replies.is_empty();
        tokio::select! {
            _ = incoming.replies.recv_many(&mut frames, BATCH), if !replies_end => (),
            frame = incoming.control.recv() => match frame {
                Some(frame) => frames.push(frame),
                None => break,
            },
        }
        if !matches!(timeout(limit, batch.write(&mut frames)).await, Ok(Ok(()))) {
            return;
        }
    }
    // The reader has ended. Answers that were ready by then still go out.
    while let Ok(frame) = incoming.replies.try_recv() {
        frames.push(frame);
    }
    if matches!(timeout(limit, batch.write(&mut frames)).await, Ok(Ok(()))) {
        // The edge learns from close_notify that nothing was cut off; if it is gone already there is nobody to tell.
        let _ = timeout(limit, batch.writer.shutdown()).await;
    }
}

/// Puts frames together: one record and one system call for many small answers.
struct Batch<W> {
    writer: W,
    /// Never grows, since that would leave copies of secrets in freed memory.
    bytes: Zeroizing<Vec<u8>>,
}

impl<W: AsyncWrite + Unpin> Batch<W> {
    async fn write(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        for frame in frames.drain(..) {
            if self.bytes.len() + frame.len() > BATCH_LEN {
                self.write_bytes().await?;
            }
            if frame.len() > BATCH_LEN {
                self.writer.write_all(&frame).await?;
            } else {
                self.bytes.extend_from_slice(&frame);
            }
        }
        self.write_bytes().await?;
        self.writer.flush().await
    }

    async fn write_bytes(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.bytes).await?;
        self.bytes.zeroize();
        Ok(())
    }
}
