//! Throttled handlers in OpenAPI documents, for `utoipa`.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Header, OpenApi, PathItem, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify};

use crate::rejection::problem::QUOTA_EXCEEDED;

/// The header fields of a limit: the name, `true` for a number, the description.
const FIELDS: [(&str, bool, &str); 2] = [
    (
        "RateLimit",
        false,
        "The client's limits, by policy: `\"name\";r=` units left`;t=` seconds until more are available",
    ),
    (
        "RateLimit-Policy",
        false,
        "The policies: `\"name\";q=` units`;w=` seconds",
    ),
];

const RETRY_AFTER: (&str, bool, &str) = (
    "Retry-After",
    true,
    "Seconds to wait; missing if the request can never be admitted",
);

/// The response to a refused request: 429 with a problem (RFC 9457) and its header fields.
///
/// ```
/// use traffik::openapi::TooManyRequests;
///
/// #[utoipa::path(
///     get,
///     path = "/search",
///     responses((status = 200, body = String), TooManyRequests)
/// )]
/// async fn search() -> &'static str {
///     "found\n"
/// }
///
/// #[derive(utoipa::OpenApi)]
/// #[openapi(paths(search))]
/// struct Api;
///
/// let document = serde_json::to_value(<Api as utoipa::OpenApi>::openapi()).unwrap();
/// let refused = &document["paths"]["/search"]["get"]["responses"]["429"];
/// assert_eq!(refused["headers"]["Retry-After"]["schema"]["type"], "integer");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TooManyRequests;

impl IntoResponses for TooManyRequests {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let content = ContentBuilder::new().schema(Some(problem())).build();
        let response = ResponseBuilder::new()
            .description("The rate limit is exceeded")
            .content("application/problem+json", content);
        let mut response = response.build();
        add(&mut response, FIELDS.into_iter().chain([RETRY_AFTER]));
        BTreeMap::from([("429".to_owned(), RefOr::T(response))])
    }
}

/// Adds the `RateLimit` fields to every other response of operations that have [`TooManyRequests`]:
/// responses to admitted requests have them too.
///
/// ```
/// use traffik::openapi::{RateLimitFields, TooManyRequests};
///
/// #[utoipa::path(
///     get,
///     path = "/search",
///     responses((status = 200, body = String), TooManyRequests)
/// )]
/// async fn search() -> &'static str {
///     "found\n"
/// }
///
/// #[derive(utoipa::OpenApi)]
/// #[openapi(paths(search), modifiers(&RateLimitFields))]
/// struct Api;
///
/// let document = serde_json::to_value(<Api as utoipa::OpenApi>::openapi()).unwrap();
/// let found = &document["paths"]["/search"]["get"]["responses"]["200"];
/// assert_eq!(found["headers"]["RateLimit"]["schema"]["type"], "string");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RateLimitFields;

impl Modify for RateLimitFields {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                let responses = &mut operation.responses.responses;
                if !responses.get("429").is_some_and(is_ours) {
                    continue;
                }
                for response in responses.values_mut() {
                    if let RefOr::T(response) = response {
                        add(response, FIELDS);
                    }
                }
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        options,
        head,
        patch,
        trace,
        ..
    } = item;
    let all = [get, put, post, delete, options, head, patch, trace];
    all.into_iter().flatten()
}

fn is_ours(response: &RefOr<Response>) -> bool {
    match response {
        RefOr::T(response) => FIELDS
            .iter()
            .all(|(name, ..)| response.headers.contains_key(*name)),
        RefOr::Ref(_) => false,
    }
}

/// Adds fields that a response does not describe itself.
fn add(
    response: &mut Response,
    fields: impl IntoIterator<Item = (&'static str, bool, &'static str)>,
) {
    for (name, is_number, description) in fields {
        let field = || RefOr::T(field(is_number, description));
        response
            .headers
            .entry(name.to_owned())
            .or_insert_with(field);
    }
}

fn field(is_number: bool, description: &str) -> Header {
    let ty = if is_number {
        Type::Integer
    } else {
        Type::String
    };
    let schema = ObjectBuilder::new().schema_type(ty).build();
    HeaderBuilder::new()
        .schema(Some(Schema::Object(schema)))
        .description(Some(description))
        .build()
}

/// The body of a refusal.
fn problem() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let names = ArrayBuilder::new().items(text());
    let problem = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("type", text().examples([QUOTA_EXCEEDED]))
        .property("title", text().examples(["Quota Exceeded"]))
        .property(
            "status",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .examples([429]),
        )
        .property("detail", text())
        .property("violated-policies", names)
        .required("type")
        .required("title")
        .required("status")
        .required("detail");
    Schema::Object(problem.build())
}
