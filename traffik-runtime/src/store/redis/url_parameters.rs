//! Parameters in the query of a URL: certificates, and the credentials of Sentinels.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::store::tls::Tls;

/// Parameters of a URL's query that the `redis` crate does not know.
#[derive(Default)]
pub(crate) struct Parameters {
    /// The path of a file in PEM, as in the next two fields.
    pub(crate) ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

/// A user and a password for Sentinels.
#[cfg_attr(
    not(feature = "redis-sentinel"),
    expect(dead_code, reason = "only Sentinels have a password of their own")
)]
pub(crate) struct SentinelCredentials {
    /// Empty for a password without a user.
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Parameters {
    /// Removes these parameters from a URL.
    pub(crate) fn split_off(url: &str) -> Result<(String, Self), String> {
        let mut parameters = Self::default();
        let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let Some((url, query)) = url.split_once('?') else {
            return Ok((format!("{url}{fragment}"), parameters));
        };
        let mut others = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let parameter = match name {
                "ca" => &mut parameters.ca,
                "cert" => &mut parameters.cert,
                "key" => &mut parameters.key,
                "sentinel_user" => &mut parameters.sentinel_user,
                "sentinel_password" => &mut parameters.sentinel_password,
                _ => {
                    others.push(pair);
                    continue;
                }
            };
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| format!("`{name}` in the URL is not UTF-8"))?;
            if value.is_empty() || parameter.replace(value.into_owned()).is_some() {
                return Err(format!(
                    "`{name}` in the URL is empty or repeated; write `{name}=…` once"
                ));
            }
        }
        let mark = if others.is_empty() { "" } else { "?" };
        let query = others.join("&");
        Ok((format!("{url}{mark}{query}{fragment}"), parameters))
    }

    /// Reads the certificates, if any are named.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, String> {
        let client = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((&**cert, &**key)),
            (None, None) => None,
            _ => return Err("the URL has only one of `cert` and `key`; write both".to_owned()),
        };
        if self.ca.is_none() && client.is_none() {
            return Ok(None);
        }
        Tls::from_files(self.ca.as_deref(), client).map(Some)
    }

    /// Returns the user and password of the Sentinels, if there is one.
    pub(crate) fn sentinel_auth(&self) -> Result<Option<SentinelCredentials>, String> {
        match (&self.sentinel_user, &self.sentinel_password) {
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err("`sentinel_user` in the URL needs `sentinel_password`".to_owned())
            }
            (user, Some(password)) => Ok(Some(SentinelCredentials {
                user: user.clone().unwrap_or_default(),
                password: password.clone(),
            })),
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password is never printed.
        f.debug_struct("Parameters")
            .field("ca", &self.ca)
            .field("cert", &self.cert)
            .finish_non_exhaustive()
    }
}
