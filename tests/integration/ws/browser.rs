//! The example's page in a real browser, which knows nothing of this library.
//!
//! Skipped, and said so, where there is no Chromium: `tests/run` installs it wherever it can be.

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

/// How long a browser may take to start, and a page to show what is waited for.
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

/// Whether it is there, and more than a hint where to get it.
fn runs(program: &Path) -> bool {
    let mut version = process::Command::new(program);
    version.arg("--version").stderr(Stdio::null());
    version.output().is_ok_and(|told| told.status.success())
}

/// A browser that shows a page, until it is dropped.
struct Browser {
    process: Child,
    _profile: Profile,
    page: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
}

/// The folder in which a browser keeps what it remembers.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // The browser's last children may still be writing.
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
        let said = BufReader::new(process.stderr.take().unwrap());
        let page = timeout(START, Self::page(said, url)).await;
        Self {
            process,
            _profile: profile,
            page: page.expect("the browser starts"),
            asked: 0,
        }
    }

    /// Where the page can be spoken with, once the browser has it.
    async fn page(
        said: BufReader<tokio::process::ChildStderr>,
        url: &str,
    ) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let mut lines = said.lines();
        let mut told = Vec::new();
        let address = loop {
            let Some(line) = lines.next_line().await.unwrap() else {
                panic!("the browser does not start: {told:#?}");
            };
            if let Some(address) = line.strip_prefix("DevTools listening on ws://") {
                break address.split('/').next().unwrap().to_owned();
            }
            told.push(line);
        };
        // What it says from now on nobody reads, but it must not wait for that.
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

    /// What a script in the page gives.
    async fn run(&mut self, script: &str) -> Value {
        self.asked += 1;
        let ask = json!({
            "id": self.asked,
            "method": "Runtime.evaluate",
            "params": { "expression": script, "returnByValue": true },
        });
        self.page
            .send(Message::text(ask.to_string()))
            .await
            .unwrap();
        loop {
            let told = timeout(SHOW, self.page.next()).await.unwrap();
            let told: Value = match told.unwrap().unwrap() {
                Message::Text(text) => serde_json::from_str(&text).unwrap(),
                _ => continue,
            };
            if told["id"] == self.asked {
                assert!(told["result"]["exceptionDetails"].is_null(), "{told:#}");
                return told["result"]["result"]["value"].clone();
            }
        }
    }

    /// Waits until a script gives this.
    async fn until(&mut self, script: &str, value: Value) {
        let start = Instant::now();
        loop {
            let now = self.run(script).await;
            if now == value {
                return;
            }
            if start.elapsed() > SHOW {
                let text = self.run("document.body.innerText").await;
                panic!("`{script}` is {now}, not {value}, where the page says: {text}");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn close(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// The lines of one kind, as the page shows them.
fn lines(kind: &str) -> String {
    format!(
        "[...document.querySelectorAll('li[data-kind={kind}]')].map((line) => line.textContent)"
    )
}

const STATE: &str = "document.getElementById('state')?.textContent";

#[tokio::test]
async fn a_page_sees_notices_and_the_close() {
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

    // Twelve at once: ten come back, two are answered, and the connection stays.
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

    // When the wait is over it is heard again, by the same connection.
    clock.advance(Duration::from_millis(2_500));
    browser
        .run("document.querySelector('#form button').click()")
        .await;
    let count = format!("{}.length", lines("echo"));
    browser.until(&count, json!(11)).await;

    // Where it is sent away, it is told first.
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
