//! Which requests a throttle of a [`ThrottleLayer`](crate::http::layer::ThrottleLayer) is for.
//!
//! Matching more is the safe side for throttling, and the unsafe side for bypassing.

pub(crate) mod error;
pub(crate) mod expression;
pub(crate) mod glob;
pub(crate) mod methods;
pub(crate) mod regex;
pub(crate) mod route;
pub(crate) mod segment;
#[cfg(test)]
mod tests;

pub use error::FilterError;

pub use crate::callback::predicate::Predicate;

use std::sync::Arc;

use axum::extract::OriginalUri;

use http::Method;
use http::request::Parts;

use crate::callback::Callback;
use crate::error::Error;
use crate::http::filter::expression::Node;
use crate::http::filter::glob::Glob;
use crate::http::filter::methods::Methods;
use crate::http::filter::regex::Whole;
use crate::http::filter::route::Route;

/// Says of a request's head whether it matches. Clones share what they hold.
///
/// What is cheap is looked at first, methods before paths and both before predicates, in whatever order they were put
/// together: a predicate is only asked where the rest leaves it open.
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
pub struct Filter(Node);

/// What is looked at by itself. The order is that of what they cost.
#[derive(Clone, Debug)]
enum Test {
    Methods(Methods),
    Route(Route),
    Glob(Arc<Glob>),
    Regex(Whole),
    Predicate(Callback<Parts, Result<bool, Error>>),
}

/// Requests whose path is like a pattern: `/admin/**` is `/admin` and all below it, `/users/*/posts` has any one segment
/// in the middle, `/files/*.png` any text within a segment. All else stands for itself.
///
/// A `*` that is a whole segment matches what a parameter `{id}` of axum's router does: an empty segment in the middle, as
/// in `/users//posts`, but none at the end, so `/users/*` does not match `/users/`.
///
/// Compared are whole paths, as the client sent them, without the query: `/admin` and `/admin/` are two, `/admin/**` is
/// never `/administrator`, double slashes and dots stay as they are. Percent-encoded letters, digits and `-._~` count as
/// what they encode, `%2f` as `%2F`, which separates nothing. Characters that clients escape may be written as they are:
/// `/café` matches `/caf%C3%A9`, and a blank matches `%20`.
///
/// # Panics
///
/// If no request can match the pattern: it does not begin with a slash, holds control characters, or is written as in
/// another language (`{id}`, `:id`). axum's `route` panics likewise; [`try_path`] is for patterns that are not in the
/// program.
#[track_caller]
pub fn path(pattern: &str) -> Filter {
    match try_path(pattern) {
        Ok(filter) => filter,
        Err(error) => panic!("{error}"),
    }
}

/// The same as [`path`], for patterns that come from elsewhere.
///
/// # Errors
///
/// [`FilterError::Pattern`], which says what to write instead.
pub fn try_path(pattern: &str) -> Result<Filter, FilterError> {
    Glob::new(pattern).map(|glob| Filter::of(Test::Glob(Arc::new(glob))))
}

/// Requests that an axum router has matched to this route, written as in [`Router::route`](axum::Router::route):
/// `/users/{id}`, behind the prefixes of the routers it is nested in.
///
/// The route is known to layers that a router applies: [`Router::layer`](axum::Router::layer),
/// [`Router::route_layer`](axum::Router::route_layer) and [`MethodRouter::layer`](axum::routing::MethodRouter::layer).
/// Requests that reach a fallback have no route. Outside routing, in a layer around a whole router or over bare hyper,
/// neither this filter nor its negation matches any request, and `T007` is logged once; use [`path`] there.
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
/// If axum has no such route: the text does not begin with a slash, or is written as in another language (`:id`, `*`).
/// [`try_route`] is for routes that are not in the program.
#[track_caller]
pub fn route(route: &str) -> Filter {
    match try_route(route) {
        Ok(filter) => filter,
        Err(error) => panic!("{error}"),
    }
}

/// Requests that an axum router has matched to this route, like [`route()`], for routes that come from elsewhere.
///
/// # Errors
///
/// [`FilterError::Route`] and [`FilterError::NoSlash`], which say what to write instead.
pub fn try_route(route: &str) -> Result<Filter, FilterError> {
    Route::new(route).map(|route| Filter::of(Test::Route(route)))
}

/// Requests whose whole path, without the query, matches a regular expression; it is compiled as `^(?:…)$`.
///
/// The expression sees the path in one spelling, so that an escape does not walk around it: `/api/%31` is `/api/1`. Letters,
/// digits and `-._~` stand in it unescaped; blanks, ``"<>\^`{|}`` and everything beyond ASCII are escapes in upper case, such
/// as `%20`; other escapes stay, in upper case.
///
/// Write `[^/]+` for a path parameter, not `\d+`: a handler's `Path<u64>` also takes `+1`, and `Path<String>` everything.
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
/// [`FilterError::Regex`] if the expression does not compile, [`FilterError::NeverMatches`] if no path can match it.
pub fn path_regex(expression: &str) -> Result<Filter, FilterError> {
    Whole::new(expression).map(|regex| Filter::of(Test::Regex(regex)))
}

/// Requests with one of these methods; `GET` is `HEAD` too. Methods are case-sensitive.
///
/// # Panics
///
/// If there are none: such a filter would match nothing. [`try_methods`] is for lists that are not in the program.
#[track_caller]
pub fn methods(methods: impl IntoIterator<Item = Method>) -> Filter {
    match try_methods(methods) {
        Ok(filter) => filter,
        Err(error) => panic!("{error}"),
    }
}

/// The same as [`methods`], for lists that come from elsewhere.
///
/// # Errors
///
/// [`FilterError::NoMethods`] if there are none.
pub fn try_methods(methods: impl IntoIterator<Item = Method>) -> Result<Filter, FilterError> {
    Methods::new(methods).map(|methods| Filter::of(Test::Methods(methods)))
}

/// Requests of which a function says so: a `fn(&Parts) -> bool`, async or not, that may be a `Result`. Where it fails, the
/// request is answered with 500, or with the response of an [`Error::response`], and nothing is charged. A closure needs the type: `|parts: &Parts| …`.
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
    Filter::of(Test::Predicate(predicate.into_callback()))
}

impl Filter {
    /// Requests that match both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0.and(other.0))
    }

    /// Requests that match one, or both.
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Requests that do not match.
    #[expect(
        clippy::should_implement_trait,
        reason = "filters are put together by words, of which this is one"
    )]
    pub fn not(self) -> Self {
        Self(self.0.not())
    }

    /// Whether a request with this head matches. A request without a path (`OPTIONS *`, `CONNECT`) is compared as `/`.
    ///
    /// # Errors
    ///
    /// [`Error::Identifier`] if a predicate failed.
    pub async fn matches(&self, parts: &Parts) -> Result<bool, Error> {
        match self.0.known(parts) {
            Some(matches) => Ok(matches),
            None => self.0.matches(parts).await,
        }
    }

    /// Returns the filter as it exempts requests: one without a path matches no path filter, and no negated one.
    pub(super) fn exempting(self) -> Self {
        Self(self.0.exempting())
    }

    /// The answer, where no predicate has to be asked.
    pub(super) fn known(&self, parts: &Parts) -> Option<bool> {
        self.0.known(parts)
    }

    fn of(test: Test) -> Self {
        Self(Node::of(test))
    }
}

impl Test {
    /// The answer, where it is there at once.
    fn known(&self, parts: &Parts) -> Option<bool> {
        match self {
            Self::Methods(methods) => Some(methods.matches(&parts.method)),
            Self::Route(route) => route.matches(parts),
            Self::Glob(glob) => Some(glob.matches(&segment::normal(path_or_root(parts)))),
            Self::Regex(regex) => Some(regex.matches(&segment::normal(path_or_root(parts)))),
            Self::Predicate(_) => None,
        }
    }

    const fn is_of_path(&self) -> bool {
        matches!(self, Self::Route(_) | Self::Glob(_) | Self::Regex(_))
    }

    /// How much it costs to know, compared to others.
    const fn rank(&self) -> u8 {
        match self {
            Self::Methods(_) => 0,
            Self::Route(_) => 1,
            Self::Glob(_) => 2,
            Self::Regex(_) => 3,
            Self::Predicate(_) => 4,
        }
    }
}

/// Returns the path that the client sent, of which a nested router sees only a part; `None` for `OPTIONS *`, `CONNECT` and
/// request targets that are not paths, which reach a fallback all the same.
fn sent_path(parts: &Parts) -> Option<&str> {
    let sent = parts.extensions.get::<OriginalUri>();
    let path = sent.map_or(&parts.uri, |sent| &sent.0).path();
    path.starts_with('/').then_some(path)
}

fn path_or_root(parts: &Parts) -> &str {
    sent_path(parts).unwrap_or("/")
}
