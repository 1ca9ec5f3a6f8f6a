//! Refusals in the form that gRPC clients understand.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Adds the status of gRPC to the refusal of a gRPC call. From the status of HTTP alone, clients
/// derive another one, for which they retry at once.
pub(super) fn with_status(mut refusal: Response<Bytes>, parts: &Parts) -> Response<Bytes> {
    let content = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content.is_some_and(|content| content.starts_with(b"application/grpc")) {
        // RESOURCE_EXHAUSTED, INVALID_ARGUMENT, UNAVAILABLE and INTERNAL.
        let (status, message) = match refusal.status() {
            StatusCode::TOO_MANY_REQUESTS => ("8", "too many requests"),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => {
                ("3", "the request costs more than is ever admitted")
            }
            StatusCode::SERVICE_UNAVAILABLE => ("14", "service unavailable"),
            _ => ("13", "the rate limiter could not decide"),
        };
        let headers = refusal.headers_mut();
        headers.insert(GRPC_STATUS, HeaderValue::from_static(status));
        headers.insert(GRPC_MESSAGE, HeaderValue::from_static(message));
    }
    refusal
}
