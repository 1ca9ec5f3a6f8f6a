//! Filters that select the requests of a throttle in a
//! [`ThrottleLayer`](crate::http::layer::ThrottleLayer).
//!
//! A filter that matches too much is safe for throttling, and unsafe for bypassing.

pub(crate) mod condition;
pub(crate) mod error;
pub(crate) mod expression;
pub(crate) mod glob;
pub(crate) mod matched_route;
pub(crate) mod method_list;
pub(crate) mod regex;
pub(crate) mod segment;
#[cfg(test)]
mod tests;

pub use error::FilterError;

pub use crate::callback::predicate::Predicate;

use std::sync::Arc;

use http::Method;
use http::request::Parts;

use crate::error::Error;
use crate::http::filter::condition::Condition;
use crate::http::filter::expression::Expression;
use crate::http::filter::glob::Glob;
use crate::http::filter::matched_route::Route;
use crate::http::filter::method_list::MethodList;
use crate::http::filter::regex::PathRegex;

/// A condition on the head of a request. Clones share their contents.
///
/// Cheap conditions are evaluated first, whatever their order in the code: methods before paths,
/// and both before predicates. A predicate is called only if the result depends on it.
///
/// ```
/// use http::{Method, Request};
/// use traffik::filter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let writes = filter::path("/admin/**").and(filter::methods([Method::POST]));
/// let (head, ()) = Request::post("/admin/users").body(())?.into_parts();
/// assert!(writes.matches(&head).await?);
/// let (head, ()) = Request::post("/administrator").body(())?.into_parts();
/// assert!(!writes.matches(&head).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Filter(Expression);

/// Matches requests whose path matches a pattern: `/admin/**` is `/admin` and all paths below it,
/// `/users/*/posts` has any one segment in the middle, `/files/*.png` any text within a segment.
/// All other characters match themselves.
///
/// A `*` that is a whole segment matches like a parameter `{id}` of axum's router: an empty segment
/// in the middle, as in `/users//posts`, but not at the end, so `/users/*` does not match
/// `/users/`.
///
/// The whole path is compared, as the client sent it, without the query: `/admin` and `/admin/`
/// differ, `/admin/**` does not match `/administrator`, double slashes and dots stay.
/// Percent-encoded letters, digits and `-._~` equal the characters that they encode; `%2f` equals
/// `%2F`, which separates no segments. Characters that clients escape may be written unescaped:
/// `/café` matches `/caf%C3%A9`, and a space matches `%20`.
///
/// # Panics
///
/// No request can match the pattern: it does not begin with a slash, contains control characters,
/// or has the syntax of another router (`{id}`, `:id`). axum's `route` panics likewise. Use
/// [`try_path`] for patterns that are not in the program.
#[track_caller]
pub fn path(pattern: &str) -> Filter {
    match try_path(pattern) {
        Ok(filter) => filter,
        Err(error) => panic!("{error}"),
    }
}

/// Matches requests whose path matches a pattern, like [`path`], for patterns from outside the
/// program.
///
/// # Errors
///
/// [`FilterError::Pattern`], with a suggestion.
pub fn try_path(pattern: &str) -> Result<Filter, FilterError> {
    Glob::new(pattern).map(|glob| Filter::of(Condition::Glob(Arc::new(glob))))
}

/// Matches requests that an axum router has matched to this route, written as in
/// [`Router::route`](axum::Router::route): `/users/{id}`, after the prefixes of the routers around
/// it.
///
/// Requests have a route in layers that a router applies: [`Router::layer`](axum::Router::layer),
/// [`Router::route_layer`](axum::Router::route_layer) and
/// [`MethodRouter::layer`](axum::routing::MethodRouter::layer). Requests that reach a fallback have
/// no route. Outside routing, in a layer around a whole router or over bare hyper, neither this
/// filter nor its negation matches any request, and `T007` is logged once; use [`path`] there.
///
/// ```
/// use axum::{Router, routing::get};
/// use traffik::{ThrottleLayer, filter, throttles};
///
/// throttles! {
///     throttle Lookups(rate = "20/minute");
/// }
///
/// let layer = ThrottleLayer::new().throttle_when::<Lookups>(filter::route("/users/{id}"));
/// let app: Router = Router::new()
///     .route("/users/{id}", get(|| async {}))
///     .route("/users/me", get(|| async {}))
///     .layer(layer);
/// ```
///
/// # Panics
///
/// axum cannot have such a route: the text does not begin with a slash, or has the syntax of
/// another router (`:id`, `*`). Use [`try_route`] for routes that are not in the program.
#[track_caller]
pub fn route(route: &str) -> Filter {
    match try_route(route) {
        Ok(filter) => filter,
        Err(error) => panic!("{error}"),
    }
}

/// Matches requests that an axum router has matched to this route, like [`route()`], for routes
/// from outside the program.
///
/// # Errors
///
/// [`FilterError::Route`] and [`FilterError::NoSlash`], with a suggestion.
pub fn try_route(route: &str) -> Result<Filter, FilterError> {
    Route::new(route).map(|route| Filter::of(Condition::Route(route)))
}

/// Matches requests whose whole path, without the query, matches a regular expression. It is
/// compiled as `^(?:…)$`.
///
/// The path is compared in a normal form, so that an escape does not evade the filter: `/api/%31`
/// is `/api/1`. Letters, digits and `-._~` are unescaped in it; spaces, ``"<>\^`{|}`` and all
/// characters beyond ASCII are escapes in upper case, such as `%20`; other escapes stay, in upper
/// case.
///
/// Write `[^/]+` for a path parameter, not `\d+`: a handler's `Path<u64>` also accepts `+1`, and
/// `Path<String>` accepts every text.
///
/// ```
/// use http::Request;
/// use traffik::filter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = filter::path_regex("/api/users/[^/]+")?;
/// for path in ["/api/users/1", "/api/users/%31", "/api/users/+1", "/%61pi/users/1"] {
///     let (head, ()) = Request::get(path).body(())?.into_parts();
///     assert!(users.matches(&head).await?, "{path}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`FilterError::Regex`] if the expression does not compile, [`FilterError::NeverMatches`] if no
/// path can match it.
pub fn path_regex(expression: &str) -> Result<Filter, FilterError> {
    PathRegex::new(expression).map(|regex| Filter::of(Condition::Regex(regex)))
}

/// Matches requests with one of these methods; `GET` includes `HEAD`. Methods are case-sensitive.
///
/// # Panics
///
/// The list is empty, so that the filter would match no request. Use [`try_methods`] for lists that
/// are not in the program.
#[track_caller]
pub fn methods(methods: impl IntoIterator<Item = Method>) -> Filter {
    match try_methods(methods) {
        Ok(filter) => filter,
        Err(error) => panic!("{error}"),
    }
}

/// Matches requests with one of these methods, like [`methods`], for lists from outside the
/// program.
///
/// # Errors
///
/// [`FilterError::NoMethods`] if the list is empty.
pub fn try_methods(methods: impl IntoIterator<Item = Method>) -> Result<Filter, FilterError> {
    MethodList::new(methods).map(|methods| Filter::of(Condition::Methods(methods)))
}

/// Matches requests for which a function returns `true`: a `fn(&Parts) -> bool`, sync or async,
/// which may return a `Result`. If the function fails, the response has status 500, or is that of
/// an [`Error::response`], and nothing is counted. A closure needs the type: `|parts: &Parts| …`.
///
/// ```
/// use http::request::Parts;
/// use traffik::filter;
///
/// async fn is_authenticated(parts: &Parts) -> bool {
///     parts.headers.contains_key("authorization")
/// }
///
/// let authenticated = filter::when(is_authenticated);
/// let over_http_2 = filter::when(|parts: &Parts| parts.version == http::Version::HTTP_2);
/// ```
pub fn when<M>(predicate: impl Predicate<M>) -> Filter {
    Filter::of(Condition::Predicate(predicate.into_callback()))
}

impl Filter {
    /// Matches requests that match both filters.
    pub fn and(self, other: Self) -> Self {
        Self(self.0.and(other.0))
    }

    /// Matches requests that match one of the filters, or both.
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Matches requests that this filter does not match.
    #[expect(
        clippy::should_implement_trait,
        reason = "filters are combined by named methods, of which this is one"
    )]
    pub fn not(self) -> Self {
        Self(self.0.not())
    }

    /// Returns `true` if a request with this head matches. A request without a path (`OPTIONS *`,
    /// `CONNECT`) is compared as `/`.
    ///
    /// # Errors
    ///
    /// [`Error::Identifier`] if a predicate failed.
    pub async fn matches(&self, parts: &Parts) -> Result<bool, Error> {
        match self.0.match_now(parts) {
            Some(matches) => Ok(matches),
            None => self.0.matches(parts).await,
        }
    }

    /// Returns the filter for exempting requests: a request without a path matches no path filter,
    /// negated or not.
    pub(super) fn exempting(self) -> Self {
        Self(self.0.exempting())
    }

    /// Returns `true` if a request matches; `None` if a predicate has to be awaited.
    pub(super) fn match_now(&self, parts: &Parts) -> Option<bool> {
        self.0.match_now(parts)
    }

    fn of(condition: Condition) -> Self {
        Self(Expression::of(condition))
    }
}
