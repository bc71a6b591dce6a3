//! The one task that writes to a connection.

use std::time::Duration;

use keyward_protocol::io::FrameWriter;
use keyward_protocol::{EncodedFrame, Frame};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::error;

/// How many frames are written together at most.
const BATCH: usize = 64;

/// How many frames other than replies may wait to be written before the reader stops reading.
const CONTROL: usize = 16;

/// The senders of a connection's write queue.
pub(crate) struct Outgoing {
    /// Answers of the workers. Each has its place reserved, so the bound is that of the requests in flight.
    pub(crate) replies: mpsc::Sender<EncodedFrame>,
    /// All other frames; who sends one waits while the edge does not read.
    pub(crate) control: Control,
}

/// Sends frames that are no answers of workers.
pub(crate) struct Control(mpsc::Sender<EncodedFrame>);

impl Control {
    /// Queues what is encoded already; `false` if the connection cannot be written to any more.
    pub(crate) async fn send_bytes(&self, bytes: EncodedFrame) -> bool {
        self.0.send(bytes).await.is_ok()
    }

    /// Queues a frame; `false` if the connection cannot be written to any more.
    pub(crate) async fn send(&self, frame: &Frame) -> bool {
        match frame.encode() {
            Ok(bytes) => self.send_bytes(bytes).await,
            Err(error) => {
                error!(%error, "frame not sent");
                true
            }
        }
    }
}

/// What the writer task takes from.
pub(crate) struct Incoming {
    replies: mpsc::Receiver<EncodedFrame>,
    control: mpsc::Receiver<EncodedFrame>,
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
pub(crate) async fn run<W: AsyncWrite + Unpin>(
    mut writer: FrameWriter<W>,
    mut incoming: Incoming,
    limit: Duration,
) {
    let mut frames = Vec::with_capacity(BATCH);
    loop {
        let replies_end = incoming.replies.is_closed() && incoming.replies.is_empty();
        tokio::select! {
            _ = incoming.replies.recv_many(&mut frames, BATCH), if !replies_end => (),
            frame = incoming.control.recv() => match frame {
                Some(frame) => frames.push(frame),
                None => break,
            },
        }
        if !matches!(timeout(limit, writer.write(&mut frames)).await, Ok(Ok(()))) {
            return;
        }
    }
    // The reader has ended. Answers that were ready by then still go out.
    while let Ok(frame) = incoming.replies.try_recv() {
        frames.push(frame);
    }
    if matches!(timeout(limit, writer.write(&mut frames)).await, Ok(Ok(()))) {
        // The edge learns from close_notify that nothing was cut off; if it is gone already there is nobody to tell.
        let _ = timeout(limit, writer.shutdown()).await;
    }
}
