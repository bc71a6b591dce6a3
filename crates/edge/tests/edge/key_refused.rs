//! A key, a name or an operation that the key server does not let the edge use: clients of that site get
//! `internal_error` and the log has the cause; the other sites are served.

use keyward_edge::FailureCause;
use rustls::AlertDescription;

use super::support::{Client, Home, Service, Site, alert_of, full};

/// Site `refused` must fail for this cause, and shop.example go on, before, meanwhile and after.
async fn refuses(rules: &str, chain: &str, refused: &str, cause: &str) {
    let service = Service::hello().await;
    let mut home = Home::new();
    home.start_key_server_with(rules).await;
    let sites = [
        Site::with_chain(&["shop.example"], &service.url(), "ecdsa.pem"),
        Site::with_chain(&[refused], &service.url(), chain),
    ];
    home.start_edge(&home.socket(), "", &sites, "").await;
    home.connected().await;
    let mut open = Client::new().http1(home.address(), "shop.example").await;
    for client in [Client::tls13(), Client::tls12()] {
        let error = client.connect(home.address(), refused).await.unwrap_err();
        assert_eq!(
            alert_of(&error),
            Some(AlertDescription::InternalError),
            "{error}"
        );
        let fresh = client.get(home.address(), "shop.example").await;
        assert_eq!(fresh, (200, "hello".to_owned()));
    }
    home.log
        .line(&[" WARN ", "for want of the key server", refused, cause])
        .await;
    let counts = home.edge().counts();
    assert_eq!(counts.failed(FailureCause::KeyServerRefused), 2);
    let request = http::Request::get("/").header("host", "shop.example");
    let response = open.text(request.body(full("")).unwrap()).await;
    assert_eq!(response, (200, "hello".to_owned()));
}

fn rule(keys: &str, names: &str) -> String {
    format!(
        r#"
        [[edge]]
        name = "edge-1.example"
        keys = [{keys}]
        operations = ["tls13-server-certificate-verify", "tls12-server-key-exchange"]
        names = [{names}]
        "#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_rule_gives_it() {
    let rules = rule(r#""ecdsa""#, r#""*""#);
    let name = "key.shop.example";
    refuses(&rules, "rsa.pem", name, "this edge may not use this key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_rule_gives_it() {
    let rules = rule(r#""*""#, r#""shop.example""#);
    let name = "name.shop.example";
    refuses(&rules, "ecdsa.pem", name, "not among this edge's names").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_no_rule_gives_it() {
    let rules = rule(r#""ecdsa""#, r#""*""#)
        + r#"
        [[edge]]
        name = "edge-1.example"
        keys = ["rsa"]
        operations = ["tls12-rsa-master-secret"]
        names = ["*"]
        "#;
    let name = "operation.shop.example";
    refuses(&rules, "rsa.pem", name, "operation is not allowed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_key_server_does_not_have() {
    let service = Service::hello().await;
    let mut home = Home::new();
    std::fs::remove_file(home.path("keys/rsa.key")).unwrap();
    home.start_key_server().await;
    let name = "gone.shop.example";
    let sites = [
        Site::with_chain(&["shop.example"], &service.url(), "ecdsa.pem"),
        Site::with_chain(&[name], &service.url(), "rsa.pem"),
    ];
    home.start_edge(&home.socket(), "", &sites, "").await;
    home.connected().await;
    let client = Client::new();
    let error = client.connect(home.address(), name).await.unwrap_err();
    assert_eq!(alert_of(&error), Some(AlertDescription::InternalError));
    home.log
        .line(&[" WARN ", name, "does not have the key"])
        .await;
    assert_eq!(client.get(home.address(), "shop.example").await.0, 200);
}
