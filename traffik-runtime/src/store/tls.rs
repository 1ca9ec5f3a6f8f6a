//! Certificates for TLS connections to a store: trusted authorities, and a client certificate.

use std::fmt;
#[cfg(feature = "redis")]
use std::fs;

/// Certificates for TLS connections to Redis or Memcached, in PEM.
///
/// [`ca`](Self::ca) names the authorities that may sign the servers' certificates;
/// [`client`](Self::client) is sent to servers that ask for a client certificate. The certificates
/// and the key are checked when the backend connects: a malformed one is an
/// [`Error::BackendConfiguration`](crate::error::Error::BackendConfiguration). Only
/// `redis-native-tls` finds out later that a certificate and its key do not fit, and reports a
/// failed connection. Both are read once; a certificate that was renewed takes a new backend.
///
/// The host in the backend's URL must be one of the names or IP addresses in the server's
/// certificate.
///
/// ```no_run
/// use traffik::{Backend, Tls};
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::new()
///     .ca(std::fs::read("/etc/redis/ca.pem")?)
///     .client(std::fs::read("/etc/redis/client.pem")?, std::fs::read("/etc/redis/client.key")?);
/// # #[cfg(feature = "redis")]
/// let backend = Backend::redis("rediss://redis.example/").tls(tls).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until it is passed to a backend, by `.tls(…)`"]
pub struct Tls {
    ca: Option<Vec<u8>>,
    client: Option<ClientCertificate>,
}

#[derive(Clone)]
#[cfg_attr(
    not(any(
        feature = "memcached-rustls",
        feature = "redis-native-tls",
        feature = "redis-rustls"
    )),
    expect(dead_code, reason = "without TLS nothing reads them")
)]
struct ClientCertificate {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Returns settings that trust the system's authorities and send no client certificate.
    pub const fn new() -> Self {
        Self {
            ca: None,
            client: None,
        }
    }

    /// Trusts only the certificate authorities in this PEM text, in place of the system's. Several
    /// certificates may follow each other.
    pub fn ca(self, pem: impl AsRef<[u8]>) -> Self {
        Self {
            ca: Some(pem.as_ref().to_vec()),
            ..self
        }
    }

    /// Sends this certificate to servers that ask for one. `certificate` is a PEM text that starts
    /// with the client's own certificate; certificates that lead from it to the authority may
    /// follow. `key` is its private key in PEM, in PKCS #8; with the features `redis-rustls` and
    /// `memcached-rustls` also in PKCS #1 or SEC 1.
    pub fn client(self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let client = ClientCertificate {
            chain: certificate.as_ref().to_vec(),
            key: key.as_ref().to_vec(),
        };
        Self {
            client: Some(client),
            ..self
        }
    }

    /// Reads the files that a URL names.
    #[cfg(feature = "redis")]
    pub(crate) fn from_files(
        ca: Option<&str>,
        client: Option<(&str, &str)>,
    ) -> Result<Self, String> {
        let read = |path: &str| {
            fs::read(path).map_err(|error| format!("`{path}` in its URL cannot be read: {error}"))
        };
        let mut tls = Self::new();
        if let Some(ca) = ca {
            tls = tls.ca(read(ca)?);
        }
        if let Some((certificate, key)) = client {
            tls = tls.client(read(certificate)?, read(key)?);
        }
        Ok(tls)
    }

    /// Returns the certificates as the `redis` crate takes them.
    ///
    /// # Errors
    ///
    /// A certificate or key that cannot be used. The message repeats nothing of them.
    #[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
    pub(crate) fn certificates(&self) -> Result<redis::TlsCertificates, String> {
        // The `redis` crate finds some mistakes only when it connects, others never.
        #[cfg(feature = "redis-rustls")]
        self.config(
            self.authorities()?
                .unwrap_or_else(rustls::RootCertStore::empty),
        )?;
        let client = self.client.clone();
        Ok(redis::TlsCertificates {
            client_tls: client.map(|ClientCertificate { chain, key }| redis::ClientTlsConfig {
                client_cert: chain,
                client_key: key,
            }),
            root_cert: self.ca.clone(),
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A private key is never printed.
        f.debug_struct("Tls")
            .field("ca", &self.ca.is_some())
            .field("client", &self.client.is_some())
            .finish()
    }
}

#[cfg(any(feature = "redis-rustls", feature = "memcached-rustls"))]
pub(crate) mod with_rustls {
    use std::sync::Arc;

    use rustls::crypto::{CryptoProvider, ring};
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ClientConfig, RootCertStore};

    use super::{ClientCertificate, Tls};

    /// Returns the process's provider of cryptography, or ring's where the application has not
    /// installed one.
    pub(crate) fn provider() -> Arc<CryptoProvider> {
        let installed = CryptoProvider::get_default().cloned();
        installed.unwrap_or_else(|| Arc::new(ring::default_provider()))
    }

    /// Installs ring's provider of cryptography if the process has none: the `redis` crate panics
    /// without one where rustls was built with several.
    #[cfg(feature = "redis-rustls")]
    pub(crate) fn install_provider() {
        if CryptoProvider::get_default().is_none() {
            // Another thread may have been faster.
            let _ = ring::default_provider().install_default();
        }
    }

    impl Tls {
        /// Returns the authorities that [`ca`](Self::ca) names.
        pub(crate) fn authorities(&self) -> Result<Option<RootCertStore>, String> {
            let Some(pem) = &self.ca else {
                return Ok(None);
            };
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem, "certificate authority")? {
                roots.add(certificate).map_err(|error| {
                    format!("a certificate authority cannot be trusted: {error}")
                })?;
            }
            Ok(Some(roots))
        }

        /// Returns the settings of a client that trusts these authorities.
        pub(crate) fn config(&self, roots: RootCertStore) -> Result<ClientConfig, String> {
            let builder = ClientConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .map_err(|error| format!("TLS cannot be set up: {error}"))?
                .with_root_certificates(roots);
            let Some(ClientCertificate { chain, key }) = &self.client else {
                return Ok(builder.with_no_client_auth());
            };
            let chain = certificates(chain, "client certificate")?;
            // The errors of these are left out: they may repeat a line of the key.
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
                "the key of the client certificate is not a private key in PEM, which starts with \
                 `-----BEGIN PRIVATE KEY-----`"
                    .to_owned()
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                format!("the client certificate and its key cannot be used: {error}")
            })
        }
    }

    fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let certificates: Option<Vec<_>> = CertificateDer::pem_slice_iter(pem)
            .map(Result::ok)
            .collect();
        certificates
            .filter(|found| !found.is_empty())
            .ok_or_else(|| {
                format!(
                    "the {name} is not a certificate in PEM, which starts with \
                 `-----BEGIN CERTIFICATE-----`"
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Tls;

    #[test]
    fn never_prints_a_key() {
        let tls = Tls::new().ca("authority").client("certificate", "hunter2");
        assert_eq!(format!("{tls:?}"), "Tls { ca: true, client: true }");
    }

    #[cfg(any(feature = "redis-rustls", feature = "memcached-rustls"))]
    #[test]
    fn refuses_malformed_pem_without_repeating_it() {
        use rustls::RootCertStore;

        let broken = "-----BEGIN PRIVATE KEY hunter2\nhunter2\n-----END CERTIFICATE-----\n";
        let texts = [
            "",
            "hunter2",
            broken,
            "-----BEGIN CERTIFICATE-----\nhunter2!\n",
        ];
        for text in texts {
            let error = Tls::new().ca(text).authorities().unwrap_err();
            assert!(error.contains("PEM"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            let error = Tls::new().client(text, text);
            let error = error.config(RootCertStore::empty()).unwrap_err();
            assert!(error.contains("PEM"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
