//! TLS: private authorities, client certificates, and mistakes in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use traffik::{Backend, ErrorKind, Tls};
use traffik_tests::{Certificates, MemcachedServer};

use super::settings;

/// Starts a server that speaks only TLS.
fn start(certificates: &Certificates, demands_a_certificate: bool) -> MemcachedServer {
    let options = format!(
        "ssl_chain_cert={},ssl_key={},ssl_ca_cert={},ssl_verify_mode={}",
        certificates.path("server.pem"),
        certificates.path("server.key"),
        certificates.path("ca.pem"),
        if demands_a_certificate { 2 } else { 0 },
    );
    MemcachedServer::start_with(&["-Z", "-o", &options])
}

fn url(server: &MemcachedServer) -> String {
    format!("tls://{}", server.url())
}

#[tokio::test]
async fn trusts_only_the_configured_authority() {
    let (ours, another) = (Certificates::new(), Certificates::new());
    let mut server = start(&ours, false);
    let trusting = settings(url(&server)).tls(Tls::new().ca(ours.text("ca.pem")));
    let backend = trusting.connect().await.unwrap();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);
    let large = vec![b'x'; 900_000];
    backend.set("large", &large, None).await.unwrap();
    assert_eq!(backend.get("large").await.unwrap(), Some(large));
    server.restart();
    let mut tries = 0;
    while backend.increment("n", 1).await.is_err() {
        tries += 1;
        assert!(tries < 100);
    }

    let another = Tls::new().ca(another.text("ca.pem"));
    let localhost = url(&server).replace("127.0.0.1", "localhost");
    let ours = Tls::new().ca(ours.text("ca.pem"));
    for settings in [
        settings(url(&server)).tls(another),
        settings(url(&server)),
        settings(localhost).tls(ours),
        // The server is addressed without TLS.
        settings(server.url()).timeout(Duration::from_millis(300)),
    ] {
        let error = settings.connect().await.unwrap_err();
        let kinds = [
            ErrorKind::Connection,
            ErrorKind::Timeout,
            ErrorKind::Configuration,
        ];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

#[tokio::test]
async fn sends_its_certificate_to_a_server_that_demands_one() {
    let certificates = Certificates::new();
    let server = start(&certificates, true);
    let without_client = Tls::new().ca(certificates.text("ca.pem"));
    let error = settings(url(&server))
        .tls(without_client.clone())
        .connect()
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Connection);
    let client = without_client.client(
        certificates.text("client.pem"),
        certificates.text("client.key"),
    );
    let backend = settings(url(&server)).tls(client).connect().await.unwrap();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);
}

/// TLS records between replies, such as session tickets, do not make a connection unusable.
#[tokio::test]
async fn reuses_a_connection() {
    let certificates = Certificates::new();
    let server = start(&certificates, false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nodes = format!("tls://{}", listener.local_addr().unwrap());
    let connections = Arc::<AtomicU64>::default();
    let (count, target) = (connections.clone(), server.url());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut server = TcpStream::connect(&target).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let tls = Tls::new().ca(certificates.text("ca.pem"));
    let backend = settings(nodes).tls(tls).pool_size(1);
    let backend = backend.connect().await.unwrap();
    for n in 1..=20 {
        assert_eq!(backend.increment("n", 1).await.unwrap(), n);
        // By now, all records that the server sends by itself have arrived.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn reports_unusable_certificates_as_configuration() {
    let (ours, another) = (Certificates::new(), Certificates::new());
    let (cert, key) = (ours.text("client.pem"), ours.text("client.key"));
    let broken = key.replace("MI", "hunter2!");
    let tls = "tls://127.0.0.1:1";
    let backends = [
        Backend::memcached(tls).tls(Tls::new().ca("")),
        Backend::memcached(tls).tls(Tls::new().ca("hunter2")),
        Backend::memcached(tls).tls(Tls::new().client(&cert, "hunter2")),
        Backend::memcached(tls).tls(Tls::new().client(&cert, &broken)),
        Backend::memcached(tls).tls(Tls::new().client("hunter2", &key)),
        Backend::memcached(tls).tls(Tls::new().client(&cert, another.text("client.key"))),
        Backend::memcached("127.0.0.1:1").tls(Tls::new()),
        Backend::memcached([tls, "unix:///nowhere.sock"]).tls(Tls::new()),
    ];
    for (place, backend) in backends.into_iter().enumerate() {
        assert!(!format!("{backend:?}").contains("hunter2"), "{place}");
        let error = backend.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{place}: {error}");
        let message = error.to_string();
        assert!(!message.contains("hunter2"), "{place}: {message}");
    }
}
