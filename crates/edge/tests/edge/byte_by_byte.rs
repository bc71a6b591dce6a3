//! A client whose bytes come one at a time gets its handshake and its response.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{Client, Home, Service, Site, soon};

/// A relay to `to` that sends each byte on its own.
async fn slicer(to: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let edge = TcpStream::connect(to).await.unwrap();
        edge.set_nodelay(true).unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_edge, mut to_edge) = edge.into_split();
        let up = async {
            while let Ok(byte) = from_client.read_u8().await {
                to_edge.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let down = tokio::io::copy(&mut from_edge, &mut to_client);
        tokio::select! {
            () = up => {}
            _ = down => {}
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_at_a_time() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    for client in [Client::tls13(), Client::tls12()] {
        let address = slicer(home.address()).await;
        let response = soon("a response", client.get(address, "shop.example")).await;
        assert_eq!(response, (200, "hello".to_owned()));
    }
}
