//! The page of the example in a real browser, without a client of this library.
//!
//! The test reports that it is skipped if there is no Chromium; `tests/run` installs it where
//! possible.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::thread;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use traffik::provide;
use traffik_tests::{Server, midnight};

#[path = "../../../examples/examples/websocket/chat.rs"]
mod chat;

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The time that a browser may take to start, and a page to show an expected state.
const START: Duration = Duration::from_secs(60);
const SHOW: Duration = Duration::from_secs(30);

fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    let all = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|program| runs(program))
}

/// Reports that a program is an installed browser, not a stub that says where to get one.
fn runs(program: &Path) -> bool {
    let mut version = process::Command::new(program);
    version.arg("--version").stderr(Stdio::null());
    version.output().is_ok_and(|output| output.status.success())
}

/// A browser that shows a page until it is dropped.
struct Browser {
    process: Child,
    _profile: Profile,
    page: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

/// The folder of a browser's profile.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // Child processes of the browser may still be writing.
        for _ in 0..50 {
            if fs::remove_dir_all(&self.0).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Browser {
    async fn open(program: &Path, url: &str) -> Self {
        let profile = format!("traffik-browser-{}", process::id());
        let profile = Profile(env::temp_dir().join(profile));
        let mut process = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-extensions", "--disable-background-networking"])
            .args(["--remote-debugging-port=0", "--remote-allow-origins=*"])
            .arg(format!("--user-data-dir={}", profile.0.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let page = timeout(START, Self::page(stderr, url)).await;
        Self {
            process,
            _profile: profile,
            page: page.expect("the browser starts"),
            last_id: 0,
        }
    }

    /// Returns the page's debugging address once the browser has opened it.
    async fn page(
        stderr: BufReader<tokio::process::ChildStderr>,
        url: &str,
    ) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let mut lines = stderr.lines();
        let mut message = Vec::new();
        let address = loop {
            let Some(line) = lines.next_line().await.unwrap() else {
                panic!("the browser does not start: {message:#?}");
            };
            if let Some(address) = line.strip_prefix("DevTools listening on ws://") {
                break address.split('/').next().unwrap().to_owned();
            }
            message.push(line);
        };
        // The output is discarded, but the pipe must not fill up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        loop {
            let list = reqwest::get(format!("http://{address}/json/list")).await;
            let list: Vec<Value> = list.unwrap().json().await.unwrap();
            let page = list.iter().find(|target| target["url"] == url);
            if let Some(address) = page.and_then(|page| page["webSocketDebuggerUrl"].as_str()) {
                return connect_async(address).await.unwrap().0;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a script in the page and returns its result.
    async fn run(&mut self, script: &str) -> Value {
        self.last_id += 1;
        let request = json!({
            "id": self.last_id,
            "method": "Runtime.evaluate",
            "params": { "expression": script, "returnByValue": true },
        });
        self.page
            .send(Message::text(request.to_string()))
            .await
            .unwrap();
        loop {
            let message = timeout(SHOW, self.page.next()).await.unwrap();
            let message: Value = match message.unwrap().unwrap() {
                Message::Text(text) => serde_json::from_str(&text).unwrap(),
                _ => continue,
            };
            if message["id"] == self.last_id {
                assert!(
                    message["result"]["exceptionDetails"].is_null(),
                    "{message:#}"
                );
                return message["result"]["result"]["value"].clone();
            }
        }
    }

    /// Waits until a script returns a value.
    async fn until(&mut self, script: &str, value: Value) {
        let start = Instant::now();
        loop {
            let now = self.run(script).await;
            if now == value {
                return;
            }
            if start.elapsed() > SHOW {
                let text = self.run("document.body.innerText").await;
                panic!("`{script}` is {now}, not {value}, and the page shows: {text}");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn close(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// A script that lists the lines of one kind in the page.
fn lines(kind: &str) -> String {
    format!(
        "[...document.querySelectorAll('li[data-kind={kind}]')].map((line) => line.textContent)"
    )
}

const STATE: &str = "document.getElementById('state')?.textContent";

#[tokio::test]
async fn shows_notices_and_the_close_in_a_page() {
    let Some(program) = installed() else {
        let mut log = io::stderr();
        let _ = writeln!(log, "skipped: there is no browser; install chromium");
        return;
    };
    let (backend, clock) = midnight();
    clock.advance(Duration::from_millis(57_500));
    let server = Server::start(chat::app().layer(provide(backend))).await;
    let url = format!("http://{}/", server.address());
    let mut browser = Browser::open(&program, &url).await;

    // Twelve messages at once: ten are echoed, two get notices, and the connection stays open.
    browser.until(STATE, json!("open")).await;
    browser
        .run("document.getElementById('burst').click()")
        .await;
    let refused = "Too many messages: try again in 3 s";
    browser
        .until(&lines("notice"), json!([refused, refused]))
        .await;
    let echoes: Vec<_> = (1..=10).map(|number| format!("hello {number}")).collect();
    browser.until(&lines("echo"), json!(echoes)).await;
    browser.until(STATE, json!("open")).await;
    browser.until(&lines("end"), json!([])).await;

    // After the wait, messages on the same connection are accepted again.
    clock.advance(Duration::from_millis(2_500));
    browser
        .run("document.querySelector('#form button').click()")
        .await;
    let count = format!("{}.length", lines("echo"));
    browser.until(&count, json!(11)).await;

    // Before the server closes, it sends a notice.
    browser
        .run("document.getElementById('strict').click()")
        .await;
    browser.until(STATE, json!("open")).await;
    browser
        .run("document.getElementById('burst').click()")
        .await;
    browser.until(STATE, json!("closed")).await;
    browser
        .until(
            &lines("end"),
            json!(["closed with 1008: too many messages"]),
        )
        .await;
    browser.until(&count, json!(20)).await;
    let minute = "Too many messages: try again in 60 s";
    browser
        .until(&lines("notice"), json!([refused, refused, minute]))
        .await;
    browser.close().await;
}
