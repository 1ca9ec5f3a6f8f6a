//! Which requests a throttle of a [`ThrottleLayer`](super::ThrottleLayer) is for.
//!
//! Matching more is the safe side for throttling, and the unsafe side for bypassing.

mod combine;
mod error;
mod glob;
mod methods;
mod predicate;
mod segment;
#[cfg(test)]
mod tests;
mod whole;

use std::sync::Arc;

use ::http::Method;
use ::http::request::Parts;
use axum::extract::OriginalUri;

use crate::error::Error;
use crate::http::question::Question;
use combine::Node;
pub use error::FilterError;
use glob::Glob;
use methods::Methods;
pub use predicate::Predicate;
use whole::Whole;

/// Says of a request's head whether it matches. Clones share what they hold.
///
/// What is cheap is looked at first, methods before paths and both before predicates, in whatever order they were put
/// together: a predicate is only asked where the rest leaves it open.
///
/// ```
/// use http::{Method, Request};
/// use traffik_runtime::http::filter;
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
    Glob(Arc<Glob>),
    Regex(Whole),
    Predicate(Arc<dyn Question<bool>>),
}

/// Requests whose path is like a pattern: `/admin/**` is `/admin` and all below it, `/users/*/posts` has any one segment
/// in the middle, `/files/*.png` any text within a segment. All else stands for itself.
///
/// Compared are whole paths, as the client sent them, without the query: `/admin` and `/admin/` are two, `/admin/**` is
/// never `/administrator`, double slashes and dots stay as they are. Percent-encoded letters, digits and `-._~` count as
/// what they encode, `%2f` as `%2F`, which separates nothing.
///
/// # Panics
///
/// If the pattern does not begin with a slash or is written as in another language (`{id}`, `:id`), as axum's `route` does;
/// [`try_path`] is for patterns that are not in the program.
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

/// Requests whose whole path, as the client sent it and without the query, matches a regular expression; it is compiled
/// as `^(?:…)$`.
///
/// # Errors
///
/// [`FilterError::Regex`] if it is none.
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
/// request is answered with 500, and nothing is charged. A closure needs the type: `|parts: &Parts| …`.
///
/// ```
/// use http::request::Parts;
/// use traffik_runtime::http::filter;
///
/// async fn is_authenticated(parts: &Parts) -> bool {
///     parts.headers.contains_key("authorization")
/// }
///
/// let authenticated = filter::when(is_authenticated);
/// let over_http_2 = filter::when(|parts: &Parts| parts.version == http::Version::HTTP_2);
/// ```
pub fn when<M>(predicate: impl Predicate<M>) -> Filter {
    Filter::of(Test::Predicate(predicate.question()))
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

    /// Whether a request with this head matches.
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
            Self::Glob(glob) => Some(sent_path(parts).is_some_and(|path| glob.matches(path))),
            Self::Regex(regex) => Some(sent_path(parts).is_some_and(|path| regex.matches(path))),
            Self::Predicate(_) => None,
        }
    }

    /// How much it costs to know, compared to others.
    const fn rank(&self) -> u8 {
        match self {
            Self::Methods(_) => 0,
            Self::Glob(_) => 1,
            Self::Regex(_) => 2,
            Self::Predicate(_) => 3,
        }
    }
}

/// The path that the client sent, of which a nested router sees only a part; none for `OPTIONS *` and `CONNECT`.
fn sent_path(parts: &Parts) -> Option<&str> {
    let sent = parts.extensions.get::<OriginalUri>();
    let path = sent.map_or(&parts.uri, |sent| &sent.0).path();
    path.starts_with('/').then_some(path)
}
