use thiserror::Error;

const NORMAL_FORM: &str = "a path begins with `/`, letters, digits and `-._~` stand in it unescaped, and blanks, `\"<>\\^`{|}` \
     and everything beyond ASCII as escapes in upper case: write `%20` for a blank, `caf%C3%A9` for `café`";

/// Why there is no such filter.
///
/// ```
/// use traffik::filter;
///
/// let error = filter::try_path("/users/{id}").unwrap_err();
/// assert_eq!(error.to_string(), "`{id}` in `/users/{id}` is no pattern; write `*` for one segment, `**` for any number");
/// ```
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A pattern that is none.
    #[error("`{part}` in `{pattern}` is no pattern; {instead}")]
    Pattern {
        /// The whole pattern.
        pattern: String,
        /// The part that is wrong.
        part: String,
        /// The text to write instead.
        instead: &'static str,
    },
    /// A text that cannot be a route of axum.
    #[error("`{part}` in `{route}` is no part of a route; {instead}")]
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
    /// A regular expression that is none.
    #[error("`{expression}` is no regular expression: {source}")]
    Regex {
        /// What was written.
        expression: String,
        /// What is wrong.
        #[source]
        source: regex::Error,
    },
    /// A pattern that is longer than any path a server accepts.
    #[error("the pattern is longer than 65534 bytes, the longest path; no request can match it")]
    TooLong,
    /// A regular expression that no path matches.
    #[error("no path can match `{expression}`; {NORMAL_FORM}")]
    NeverMatches {
        /// The regular expression.
        expression: String,
    },
    /// A list of no methods.
    #[error("a list of no methods matches nothing; name one, such as `Method::POST`")]
    NoMethods,
}
