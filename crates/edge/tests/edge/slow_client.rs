//! A client that does not get on with its handshake is cut off in time.

use std::time::{Duration, Instant};

use keyward_edge::FailureCause;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Home, Site, soon, until};

#[tokio::test(flavor = "multi_thread")]
async fn handshake_timeout() {
    let site = [Site::new(&["shop.example"], "http://127.0.0.1:1")];
    let home = Home::start_with("", &site, "[timeouts]\nhandshake_ms = 300").await;
    let start = Instant::now();
    // One says nothing, one half a record.
    let mut silent = TcpStream::connect(home.address()).await.unwrap();
    let mut slow = TcpStream::connect(home.address()).await.unwrap();
    slow.write_all(&[22, 3, 1, 0, 200, 1, 0]).await.unwrap();
    for socket in [&mut silent, &mut slow] {
        let mut answer = Vec::new();
        soon("the end", socket.read_to_end(&mut answer))
            .await
            .unwrap();
        assert_eq!(answer.first(), Some(&21), "an alert: {answer:?}");
        let peer = socket.local_addr().unwrap().to_string();
        home.log
            .line(&["refused a connection", &peer, "took longer than 300 ms"])
            .await;
    }
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(home.edge().counts().failed(FailureCause::Timeout), 2);
    drop((silent, slow));
    until("both are gone", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}
