//! What a server answered.

use axum::body::to_bytes;
use axum::response::Response;
use http::HeaderMap;
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::fields::{Policy, Standing};

/// A whole response. Those of its fields that speak of limits were parsed as structured fields, or there would be none.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// What `RateLimit-Policy` says.
    pub policies: Vec<Policy>,
    /// What `RateLimit` says.
    pub standings: Vec<Standing>,
}

impl Answer {
    /// Sends a request and takes in the answer.
    ///
    /// # Panics
    ///
    /// Where there is no answer, or fields that are none.
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self::new(
            status,
            headers,
            response.text().await.expect("the body is text"),
        )
    }

    /// Takes in a response that came through no socket.
    ///
    /// # Panics
    ///
    /// Where the body is no text, or there are fields that are none.
    pub async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("the body ends");
        let body = String::from_utf8(body.into()).expect("the body is text");
        Self::new(head.status.as_u16(), head.headers, body)
    }

    fn new(status: u16, headers: HeaderMap, body: String) -> Self {
        let policies = one(&headers, "ratelimit-policy").map_or_else(Vec::new, Policy::list);
        let standings = one(&headers, "ratelimit").map_or_else(Vec::new, Standing::list);
        Self {
            status,
            headers,
            body,
            policies,
            standings,
        }
    }

    /// The only line of a header field.
    ///
    /// # Panics
    ///
    /// Where there are several lines.
    pub fn field(&self, name: &str) -> Option<&str> {
        one(&self.headers, name)
    }

    /// Three fields of old: limit, remaining, reset.
    pub fn legacy(&self) -> [Option<&str>; 3] {
        [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ]
        .map(|name| self.field(name))
    }

    /// Whether no field tells of a limit.
    pub fn tells_nothing(&self) -> bool {
        let told = |name: &str| name.contains("ratelimit") || name == "retry-after";
        !self.headers.keys().any(|name| told(name.as_str()))
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// Where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    assert!(
        lines.next().is_none(),
        "`{name}` has several lines: {headers:?}"
    );
    Some(line.to_str().expect("a field is ASCII"))
}
