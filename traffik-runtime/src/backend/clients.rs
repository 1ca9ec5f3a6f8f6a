//! How the throttles of a backend find the addresses of their clients.

use crate::backend::{Backend, Inner};
use crate::client_ip::resolve::ClientIp;

impl Backend {
    /// Returns a handle of these states for requests that come through these proxies: addresses, ranges such as `10.0.0.0/8`, or the word
    /// `unix` for whoever connects over a Unix socket, besides those that are trusted already. What they say of the client is read from `X-Forwarded-For`, unless
    /// [`client_ip`](Self::client_ip) chose another header.
    ///
    /// What is no range is remembered: every decision, and [`ready`](Self::ready), then give
    /// [`Error::BackendConfiguration`](crate::error::Error::BackendConfiguration), which names the entry.
    ///
    /// ```
    /// use traffik::Backend;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let backend = Backend::memory().trusted_proxies(["10.0.0.0/8", "2001:db8::/32"]);
    /// assert!(backend.ready().await.is_ok());
    /// let error = backend.trusted_proxies(["proxy.internal"]).ready().await.unwrap_err();
    /// assert!(error.to_string().contains("`proxy.internal` is no address"));
    /// # });
    /// ```
    #[must_use]
    pub fn trusted_proxies(self, ranges: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let client_ip = self.inner.client_ip.clone().trusted(ranges);
        self.client_ip(client_ip)
    }

    /// The same states, for requests whose clients' addresses are found like this; default: the peer's address.
    ///
    /// It is what [`Identity::ip`](crate::identity::Identity::ip) means to throttles on this handle. Errors are remembered
    /// as [`trusted_proxies`](Self::trusted_proxies) does.
    #[must_use]
    pub fn client_ip(self, client_ip: ClientIp) -> Self {
        Self::new(Inner {
            client_ip,
            ..self.into_inner()
        })
    }
}
