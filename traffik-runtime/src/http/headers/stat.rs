//! The header fields of a `Stat`.

use http::header::HeaderMap;

use crate::header_style::HeaderStyle;
use crate::http::headers::options::HeaderOptions;
use crate::http::headers::writer::Writer;
use crate::inline_vec::InlineVec1;
use crate::throttle::stat::Stat;

impl<M> Stat<M> {
    /// Returns the header fields that report this to a client, in the form that
    /// [`set_header_options`](crate::http::headers::options::set_header_options) has set; none
    /// where there is no limit.
    pub fn headers(&self, style: HeaderStyle) -> HeaderMap {
        self.headers_with(style, HeaderOptions::chosen())
    }

    /// Returns the header fields that report this to a client, in the form of these options.
    ///
    /// ```
    /// use traffik::{Backend, DynThrottle, HeaderOptions, HeaderStyle, HeaderSyntax, Identity};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("api")
    ///     .rate("100/minute".parse()?)
    ///     .backend(Backend::memory())
    ///     .build()?;
    /// let stat = throttle.stat(&Identity::new("user:7")).await?;
    /// let options = HeaderOptions::new().syntax(HeaderSyntax::Draft6);
    /// let headers = stat.headers_with(HeaderStyle::Ietf, options);
    /// assert_eq!(headers["ratelimit-limit"], "100");
    /// assert_eq!(headers["ratelimit-policy"], "100;w=60");
    /// # Ok(())
    /// # }
    /// ```
    pub fn headers_with(&self, style: HeaderStyle, options: HeaderOptions) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let limits = self.limits.iter().map(|limit| {
            let named = limit.map_throttle(|policy| &**policy);
            (style, named)
        });
        let limits: InlineVec1<_> = limits.collect();
        let writer = Writer {
            options,
            now: self.now,
        };
        writer.write(&mut headers, &limits);
        headers
    }
}
