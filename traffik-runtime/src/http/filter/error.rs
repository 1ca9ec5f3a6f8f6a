//! Errors of filters.

use thiserror::Error;

const NORMAL_FORM: &str = "a path begins with `/`, contains letters, digits and `-._~` unescaped, and spaces, `\"<>\\^`{|}` \
     and characters beyond ASCII as escapes in upper case: write `%20` for a space, `caf%C3%A9` for `café`";

/// The reason why a filter cannot be created.
///
/// ```
/// use traffik::filter;
///
/// let error = filter::try_path("/users/{id}").unwrap_err();
/// let expected = "`{id}` in `/users/{id}` is not valid in a pattern; \
///     write `*` for one segment, `**` for any number";
/// assert_eq!(error.to_string(), expected);
/// ```
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A malformed pattern.
    #[error("`{part}` in `{pattern}` is not valid in a pattern; {instead}")]
    Pattern {
        /// The whole pattern.
        pattern: String,
        /// The part that is wrong.
        part: String,
        /// The text to write instead.
        instead: &'static str,
    },
    /// A malformed route.
    #[error("`{part}` in `{route}` is not valid in a route; {instead}")]
    Route {
        /// The whole route.
        route: String,
        /// The part that is wrong.
        part: String,
        /// The text to write instead.
        instead: &'static str,
    },
    /// A pattern or a route that does not begin with a slash.
    #[error("the pattern `{0}` does not begin with a slash; write `/{0}`")]
    NoSlash(String),
    /// A malformed regular expression.
    #[error("`{expression}` is not a regular expression: {source}")]
    Regex {
        /// The expression.
        expression: String,
        /// The error in it.
        #[source]
        source: regex::Error,
    },
    /// A pattern that is longer than any path a server accepts.
    #[error(
        "the pattern is longer than 65534 bytes, the maximum of a path; no request can match it"
    )]
    TooLong,
    /// A regular expression that no path matches.
    #[error("no path can match `{expression}`; {NORMAL_FORM}")]
    NeverMatches {
        /// The regular expression.
        expression: String,
    },
    /// A list without methods.
    #[error("a list without methods matches no request; name one, such as `Method::POST`")]
    NoMethods,
}
