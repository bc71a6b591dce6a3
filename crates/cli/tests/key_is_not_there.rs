//! The proof: while handshakes go on, the edge's memory has none of the secret numbers of the
//! site's keys, and the key server's has them, so that the search is known to work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::memory;
use crate::support::requests::{client_config, get};
use crate::support::site;
use crate::support::stand::{NAME, Stand};

#[test]
fn no_secret_number_is_in_the_edge_under_load() {
    let stand = Stand::new();
    let upstream = format!("http://{}", site::start());
    let (key_server, key_address) = stand.start_key_server();
    // One edge for each certificate, so that each key is at work.
    let edges: Vec<_> = ["rsa", "ecdsa"]
        .into_iter()
        .map(|name| stand.start_edge(&key_address, &upstream, &[name]))
        .collect();
    if !memory::may_read(key_server.pid()) {
        return;
    }

    let done = Arc::new(AtomicBool::new(false));
    let handshakes = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = edges
        .iter()
        .flat_map(|(_, address)| [address.clone(), address.clone()])
        .map(|address| {
            let client = client_config(&stand.authority.ca_pem());
            let (done, handshakes) = (Arc::clone(&done), Arc::clone(&handshakes));
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    get(&client, &address, NAME, "/").unwrap();
                    handshakes.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    crate::support::eventually("load", || handshakes.load(Ordering::Relaxed) > 50);

    let mut secrets = Vec::new();
    for name in ["rsa", "ecdsa"] {
        let pem = stand.secret_file(&format!("keys/{name}.key"));
        secrets.extend(memory::secrets(name, &pem));
    }
    assert_eq!(secrets.len(), 7);

    let before = handshakes.load(Ordering::Relaxed);
    for (edge, _) in &edges {
        for _ in 0..3 {
            assert_eq!(memory::find(edge.pid(), &secrets).unwrap(), [""; 0]);
        }
    }
    let in_key_server = memory::find(key_server.pid(), &secrets).unwrap();
    let meanwhile = handshakes.load(Ordering::Relaxed) - before;

    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert!(meanwhile > 0, "no handshake happened during the search");
    let mut expected: Vec<String> = secrets.into_iter().map(|secret| secret.name).collect();
    expected.sort();
    assert_eq!(in_key_server, expected);
}
