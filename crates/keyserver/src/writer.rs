//! The one task that writes to a connection.

use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::io::FrameWriter;
use keyward_protocol::{EncodedFrame, Frame};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::error;

use crate::in_flight::InFlight;

/// How many frames other than answers may wait to be written before the reader stops reading.
const CONTROL: usize = 16;

/// Sends frames that are no answers of workers. Who sends one waits while the edge does not read.
pub(crate) struct Control(mpsc::Sender<EncodedFrame>);

impl Control {
    /// And where the writer takes them from.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<EncodedFrame>) {
        let (sender, receiver) = mpsc::channel(CONTROL);
        (Self(sender), receiver)
    }

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

/// Writes until the reader's end of `control` is gone, then says goodbye. Ends early if the edge does not read: nothing for
/// `limit`, or less than there are answers for it.
pub(crate) async fn run<W: AsyncWrite + Unpin>(
    mut writer: FrameWriter<W>,
    in_flight: Arc<InFlight>,
    mut control: mpsc::Receiver<EncodedFrame>,
    limit: Duration,
) {
    let mut frames = Vec::new();
    loop {
        tokio::select! {
            taken = in_flight.take(&mut frames) => if taken.is_err() {
                return;
            },
            frame = control.recv() => match frame {
                Some(frame) => frames.push(frame),
                None => break,
            },
        }
        // What else is there goes along.
        while let Ok(frame) = control.try_recv() {
            frames.push(frame);
        }
        let written = tokio::select! {
            biased;
            written = timeout(limit, writer.write(&mut frames)) => matches!(written, Ok(Ok(()))),
            _ = in_flight.unread() => false,
        };
        if !written {
            return;
        }
        // A burst's room is not kept.
        frames.shrink_to(16);
    }
    // The reader has ended. Answers that were ready by then still go out.
    let taken = in_flight.try_take(&mut frames);
    if taken.is_ok() && matches!(timeout(limit, writer.write(&mut frames)).await, Ok(Ok(()))) {
        // The edge learns from close_notify that nothing was cut off; if it is gone already there is nobody to tell.
        let _ = timeout(limit, writer.shutdown()).await;
    }
}
