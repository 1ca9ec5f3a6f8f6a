//! The response of an app under test.

use axum::body::to_bytes;
use axum::response::Response;
use http::HeaderMap;
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::draft_fields::{QuotaPolicy, ServiceLimit};

/// A whole response. Its `RateLimit` fields were parsed as structured fields; a malformed field
/// fails the test.
#[derive(Debug)]
pub struct TestResponse {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// The items of `RateLimit-Policy`.
    pub policies: Vec<QuotaPolicy>,
    /// The items of `RateLimit`.
    pub limits: Vec<ServiceLimit>,
}

impl TestResponse {
    /// Sends a request and reads the response.
    ///
    /// # Panics
    ///
    /// If there is no response, or a `RateLimit` field is malformed.
    pub async fn of_request(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server responds");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.expect("the body is text");
        Self::new(status, headers, body)
    }

    /// Reads a response that did not come through a socket.
    ///
    /// # Panics
    ///
    /// If the body is not text, or a `RateLimit` field is malformed.
    pub async fn read(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("the body ends");
        let body = String::from_utf8(body.into()).expect("the body is text");
        Self::new(head.status.as_u16(), head.headers, body)
    }

    fn new(status: u16, headers: HeaderMap, body: String) -> Self {
        let policies = single_line(&headers, "ratelimit-policy");
        let policies = policies.map_or_else(Vec::new, QuotaPolicy::parse_list);
        let limits = single_line(&headers, "ratelimit");
        let limits = limits.map_or_else(Vec::new, ServiceLimit::parse_list);
        Self {
            status,
            headers,
            body,
            policies,
            limits,
        }
    }

    /// Returns the value of a header field.
    ///
    /// # Panics
    ///
    /// If the field has several lines.
    pub fn field(&self, name: &str) -> Option<&str> {
        single_line(&self.headers, name)
    }

    /// Returns the legacy fields: limit, remaining, reset.
    pub fn legacy(&self) -> [Option<&str>; 3] {
        [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ]
        .map(|name| self.field(name))
    }

    /// Reports the absence of every field that describes a limit.
    pub fn has_no_limit_fields(&self) -> bool {
        let describes_limit = |name: &str| name.contains("ratelimit") || name == "retry-after";
        !self
            .headers
            .keys()
            .any(|name| describes_limit(name.as_str()))
    }

    /// Parses the body as JSON.
    ///
    /// # Panics
    ///
    /// If the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

fn single_line<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    assert!(
        lines.next().is_none(),
        "`{name}` has several lines: {headers:?}"
    );
    Some(line.to_str().expect("a field is ASCII"))
}
