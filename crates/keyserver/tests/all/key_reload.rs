//! Keys and certificates that change while the key server runs.

use std::fs;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyclient::{KeyClient, KeyClientError};
use keyward_keyop::KeyId;
use keyward_keyserver::RunningKeyServer;
use keyward_pki::{Authority, Issued, KeyAlgorithm};

use crate::support::{Home, PATIENCE, eventually, run, set_mode, site, start};

fn issue() -> Issued {
    let authority = Authority::new("public CA").unwrap();
    let names = ["shop.example"];
    authority.issue_server(&names, KeyAlgorithm::P256).unwrap()
}

fn id(issued: &Issued) -> KeyId {
    let key = PrivateKey::from_pem(issued.key_pem.as_bytes()).unwrap();
    KeyId::of_public_key(key.public_key())
}

/// In the way of a careful person: the file is whole at once.
fn replace(home: &Home, name: &str, content: &str) {
    let new = home.write_key(".new", content.as_bytes());
    fs::rename(new, home.path("keys").join(name)).unwrap();
}

/// The keys, with the leaves of their chains, that an edge knows of.
fn known(client: &KeyClient) -> Vec<(KeyId, Option<Vec<u8>>)> {
    let catalog = client.catalog().borrow().clone();
    let entries = catalog.map(|catalog| catalog.entries.clone());
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .map(|entry| (entry.key, entry.chain.first().cloned()))
        .collect()
}

/// Asks for the files to be read, and waits until they have been.
async fn reload(server: &RunningKeyServer) {
    let before = server.metrics().reloads;
    server.reload();
    eventually("it is reloaded", || server.metrics().reloads > before).await;
}

fn pair(issued: &Issued) -> (KeyId, Option<Vec<u8>>) {
    (id(issued), Some(issued.chain_der[0].to_vec()))
}

#[test]
fn what_changes_is_served_and_told_to_edges_that_are_connected() {
    run(async {
        let home = Home::new(&["p384"]);
        let server = start(home.open_file("")).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let p384 = (site("p384").id(), Some(site("p384").certificate().to_vec()));
        eventually("the catalog is there", || known(&client) == [p384.clone()]).await;

        // Added, and nobody asks for it to be read.
        replace(&home, "p256.key", &site("p256").issued.key_pem);
        replace(&home, "p256.crt", &site("p256").issued.chain_pem);
        let p256 = (site("p256").id(), Some(site("p256").certificate().to_vec()));
        let both = [p256, p384.clone()];
        eventually("the edge knows of it", || known(&client) == both).await;
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();

        // Renewed: another key and another certificate under the same names.
        let renewed = issue();
        replace(&home, "p256.key", &renewed.key_pem);
        replace(&home, "p256.crt", &renewed.chain_pem);
        let both = [pair(&renewed), p384.clone()];
        eventually("the edge knows of it", || known(&client) == both).await;
        let old = client.perform(site("p256").tls13(), PATIENCE).await;
        assert_eq!(old.unwrap_err(), KeyClientError::UnknownKey);

        // Removed.
        fs::remove_file(home.path("keys/p256.key")).unwrap();
        fs::remove_file(home.path("keys/p256.crt")).unwrap();
        eventually("the edge knows of it", || known(&client) == [p384.clone()]).await;
        assert_eq!(server.metrics().connections_accepted, 1);
    });
}

#[test]
fn a_key_changes_with_its_certificate_or_not_at_all() {
    run(async {
        let home = Home::new(&["p256", "p384"]);
        let server = start(home.open_file("")).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let of = |label| {
            let site = site(label);
            (site.id(), Some(site.certificate().to_vec()))
        };
        let both = [of("p256"), of("p384")];
        let renewed = issue();
        let (key, crt) = ("p256.key", "p256.crt");
        let (old_key, old_crt) = (
            site("p256").issued.key_pem.as_str(),
            site("p256").issued.chain_pem.as_str(),
        );
        let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (name, content, back) in [
            // The certificate of a key that is not there yet, and the key before its certificate.
            (crt, renewed.chain_pem.as_str(), old_crt),
            (key, renewed.key_pem.as_str(), old_key),
            (key, broken, old_key),
            (key, "", old_key),
            (crt, "garbage", old_crt),
        ] {
            replace(&home, name, content);
            reload(&server).await;
            eventually("the edge knows", || known(&client) == both).await;
            client
                .perform(site("p256").tls13(), PATIENCE)
                .await
                .unwrap();
            assert_eq!(server.keys().len(), 2);
            replace(&home, name, back);
            reload(&server).await;
        }
        set_mode(&home.path("keys/p256.key"), 0o644);
        reload(&server).await;
        assert_eq!(server.keys().len(), 2);

        replace(&home, crt, &renewed.chain_pem);
        replace(&home, key, &renewed.key_pem);
        reload(&server).await;
        let both = [pair(&renewed), of("p384")];
        eventually("the edge knows of it", || known(&client) == both).await;

        // Without its file a key is gone, whatever else is left.
        fs::remove_file(home.path("keys/p256.key")).unwrap();
        reload(&server).await;
        eventually("it is gone", || server.keys().len() == 1).await;

        // The last key does not go: a directory that is empty is one that was not mounted.
        for name in ["p384.key", "p384.crt", crt] {
            fs::remove_file(home.path("keys").join(name)).unwrap();
        }
        server.reload();
        eventually("it is refused", || server.metrics().reloads_failed > 0).await;
        client
            .perform(site("p384").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

/// The bytes of a key that is replaced are there until its last operation is done.
#[test]
fn operations_that_have_begun_end_with_the_key_that_they_began_with() {
    run(async {
        let home = Home::new(&["rsa4096", "p384"]);
        let server = start(home.open_file("[limits]\nworkers = 1")).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let client = client.clone();
            all.spawn(async move { client.perform(site("rsa4096").tls13(), PATIENCE).await });
        }
        eventually("work has begun", || server.metrics().performed_total() > 0).await;
        fs::remove_file(home.path("keys/rsa4096.key")).unwrap();
        reload(&server).await;
        eventually("it is gone", || server.keys().len() == 1).await;
        for performed in all.join_all().await {
            // Those that came too late hear that there is no such key.
            assert!(matches!(performed, Ok(_) | Err(KeyClientError::UnknownKey)));
        }
        assert!(server.metrics().performed_total() > 0);
    });
}
