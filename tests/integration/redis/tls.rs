//! TLS: private authorities, client certificates, and mistakes in them.

use traffik::{Backend, ErrorKind, Tls};
use traffik_tests::{Certificates, RedisServer};

use super::settings;

fn client(certificates: &Certificates) -> Tls {
    Tls::new().ca(certificates.text("ca.pem")).client(
        certificates.text("client.pem"),
        certificates.text("client.key"),
    )
}

#[tokio::test]
async fn trusts_only_the_configured_authority() {
    let (ours, another) = (Certificates::new(), Certificates::new());
    let server = RedisServer::start_with_tls(&ours, &["--tls-auth-clients", "no"]);
    let trusting = Tls::new().ca(ours.text("ca.pem"));
    let backend = settings(server.tls_url()).tls(trusting).connect().await;
    assert_eq!(backend.unwrap().increment("n", 1).await.unwrap(), 1);
    let both = ours.text("ca.pem") + &another.text("ca.pem");
    let backend = settings(server.tls_url()).tls(Tls::new().ca(both));
    backend.connect().await.unwrap();

    let url = format!("{}?ca={}", server.tls_url(), ours.path("ca.pem"));
    settings(&url).connect().await.unwrap();
    // The builder's certificate replaces that of the URL.
    let another = Tls::new().ca(another.text("ca.pem"));
    for distrusting in [settings(&url).tls(another), settings(server.tls_url())] {
        let error = distrusting.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(!error.may_have_counted());
    }
}

#[tokio::test]
async fn refuses_the_certificate_of_another_host() {
    let certificates = Certificates::new();
    let server = RedisServer::start_with_tls(&certificates, &["--tls-auth-clients", "no"]);
    let url = server.tls_url().replace("127.0.0.1", "localhost");
    let tls = Tls::new().ca(certificates.text("ca.pem"));
    let error = settings(url).tls(tls).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

#[tokio::test]
async fn sends_its_certificate_to_a_server_that_demands_one() {
    let certificates = Certificates::new();
    let mut server = RedisServer::start_with_tls(&certificates, &["--tls-auth-clients", "yes"]);
    let without_client = Tls::new().ca(certificates.text("ca.pem"));
    let error = settings(server.tls_url())
        .tls(without_client)
        .connect()
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Connection);

    let url = format!(
        "{}?ca={}&cert={}&key={}",
        server.tls_url(),
        certificates.path("ca.pem"),
        certificates.path("client.pem"),
        certificates.path("client.key"),
    );
    settings(url).connect().await.unwrap();
    let backend = settings(server.tls_url()).tls(client(&certificates));
    let backend = backend.connect().await.unwrap();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);
    server.restart();
    super::resume(&backend).await;
}

#[tokio::test]
async fn reaches_all_of_a_cluster_by_tls() {
    let certificates = Certificates::new();
    let arguments = ["--cluster-enabled", "yes", "--tls-cluster", "yes"];
    let server = RedisServer::start_with_tls(&certificates, &arguments);
    let () = server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let url = format!("rediss+cluster://127.0.0.1:{}", server.tls_port());
    let settings = settings(url).tls(client(&certificates));
    let backend = settings.connect().await.unwrap();
    super::resume(&backend).await;
}

/// Each mistake is found when the backend connects, and the error contains neither a key nor a
/// password.
#[tokio::test]
async fn reports_unusable_certificates_as_configuration() {
    let (ours, another) = (Certificates::new(), Certificates::new());
    let (cert, key) = (ours.text("client.pem"), ours.text("client.key"));
    let broken = key.replace("MI", "hunter2!");
    let tls = "rediss://127.0.0.1:1/";
    let mut backends = vec![
        Backend::redis(tls).tls(Tls::new().ca("")),
        Backend::redis(tls).tls(Tls::new().ca("hunter2")),
        Backend::redis(tls).tls(Tls::new().ca(&broken)),
        Backend::redis(tls).tls(Tls::new().client(&cert, "hunter2")),
        Backend::redis(tls).tls(Tls::new().client(&cert, &broken)),
        Backend::redis(tls).tls(Tls::new().client("hunter2", &key)),
        Backend::redis(tls).tls(Tls::new().client(&cert, another.text("client.key"))),
        Backend::redis("redis://127.0.0.1:1/").tls(client(&ours)),
        Backend::redis("unix:///nowhere.sock").tls(client(&ours)),
        Backend::redis("redis+cluster://127.0.0.1:1").tls(client(&ours)),
        Backend::redis("rediss+cluster://127.0.0.1:1").tls(Tls::new().ca("hunter2")),
        Backend::redis("redis+sentinel://127.0.0.1:1/m").tls(client(&ours)),
        Backend::redis("rediss+sentinel://127.0.0.1:1/m").tls(Tls::new().ca("hunter2")),
        Backend::redis("redis://127.0.0.1:1/").sentinel_auth("me", "hunter2"),
        Backend::redis("redis://127.0.0.1:1/?sentinel_password=hunter2"),
        Backend::redis("redis+sentinel://127.0.0.1:1/m?sentinel_user=hunter2"),
        Backend::redis("rediss://127.0.0.1:1/?ca=/nowhere/ca.pem"),
        Backend::redis(format!("{tls}?cert={}", ours.path("client.pem"))),
        Backend::redis(format!("redis://127.0.0.1:1/?ca={}", ours.path("ca.pem"))),
    ];
    let own = || Backend::redis_client(redis::Client::open("redis://127.0.0.1:1/").unwrap());
    backends.push(own().tls(client(&ours)));
    backends.push(own().sentinel_auth("me", "hunter2"));
    for (place, backend) in backends.into_iter().enumerate() {
        assert!(!format!("{backend:?}").contains("hunter2"), "{place}");
        let error = backend.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{place}: {error}");
        let message = error.to_string();
        assert!(!message.contains("hunter2"), "{place}: {message}");
        assert!(!message.contains("KEY hunter2"), "{place}: {message}");
    }
}
