//! Keys other than P-256 and RSA, from the key server to the client, in both versions.

use keyward_pki::KeyAlgorithm;

use super::support::{Client, Home, Service, Site, pki};

#[tokio::test(flavor = "multi_thread")]
async fn p384_and_ed25519() {
    let service = Service::hello().await;
    for (algorithm, name) in [
        (KeyAlgorithm::P384, "p384.shop.example"),
        (KeyAlgorithm::Ed25519, "ed25519.shop.example"),
    ] {
        let issued = pki().sites.issue_server(&[name], algorithm).unwrap();
        let mut home = Home::new();
        home.add(algorithm.name(), &issued);
        home.start_key_server().await;
        let file = format!("{}.pem", algorithm.name());
        let site = Site::with_chain(&[name], &service.url(), &file);
        home.start_edge(&home.socket(), "", &[site], "").await;
        home.connected().await;
        for client in [Client::tls13(), Client::tls12()] {
            let stream = client.connect(home.address(), name).await.unwrap();
            let leaf = &stream.get_ref().1.peer_certificates().unwrap()[0];
            assert_eq!(leaf, &issued.chain_der[0]);
            assert_eq!(client.get(home.address(), name).await.0, 200);
        }
        let counts = home.edge().counts();
        assert!(counts.key_operations >= 2, "{counts:?}");
    }
}
