//! Servers that require a user and a password, by the text protocol.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use traffik::{Backend, ErrorKind};
use traffik_tests::MemcachedServer;

use super::{settings, throttle};

/// A server with one user, and the file that contains it.
struct ServerWithUser {
    server: MemcachedServer,
    file: PathBuf,
}

impl ServerWithUser {
    fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("traffik-users-{}-{number}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "me:my-secret\n").unwrap();
        let server = MemcachedServer::start_with(&["-Y", &file.display().to_string()]);
        Self { server, file }
    }
}

impl Drop for ServerWithUser {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

#[tokio::test]
async fn presents_a_user_and_a_password_on_each_connection() {
    let mut guarded = ServerWithUser::start();
    let settings = settings(guarded.server.url()).auth("me", "my-secret");
    let backend = settings.pool_size(2).connect().await.unwrap();
    let throttle = throttle(&backend, "2/day");
    let client = traffik::Identity::new("client");
    for admitted in [true, true, false] {
        let decision = throttle.hit(&client, 1).await.unwrap();
        assert_eq!(decision.admitted, admitted);
    }
    guarded.server.restart();
    let mut tries = 0;
    while backend.increment("n", 1).await.is_err() {
        tries += 1;
        assert!(tries < 100);
    }
}

/// Nothing was counted, and the error contains no part of the password.
#[tokio::test]
async fn reports_refused_credentials_as_a_failed_connection() {
    let guarded = ServerWithUser::start();
    let url = guarded.server.url();
    let wrong = settings(&url).auth("me", "hunter2");
    assert!(!format!("{wrong:?}").contains("hunter2"));
    for settings in [
        wrong,
        settings(&url).auth("you", "my-secret"),
        settings(&url),
    ] {
        let error = settings.clone().connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(!error.may_have_counted(), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let error = settings.lazy().increment("n", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(!error.may_have_counted(), "{error}");
    }
}

/// A server without authentication stores the password as a value, which other clients could read.
#[tokio::test]
async fn leaves_no_password_on_a_server_without_authentication() {
    let server = MemcachedServer::start();
    let backend = settings(server.url()).auth("me", "my-secret");
    let backend = backend.connect().await.unwrap();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);
    assert_eq!(server.command("get auth", "END"), ["END"]);
}

#[tokio::test]
async fn refuses_credentials_that_cannot_be_sent() {
    for (user, password) in [
        ("", "hunter2"),
        ("me", ""),
        ("m e", "hunter2"),
        ("me", "a\r\nb"),
    ] {
        let backend = Backend::memcached("127.0.0.1:1").auth(user, password);
        let error = backend.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let error = Backend::memcached("me:hunter2@127.0.0.1:1").connect().await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(".auth(") && !error.contains("hunter2"),
        "{error}"
    );
}
