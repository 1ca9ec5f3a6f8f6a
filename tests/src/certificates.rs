//! A private certificate authority for one test, and certificates that it has signed.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::port;

/// An authority, a server certificate for 127.0.0.1 and a client certificate, as PEM files in a
/// temporary directory that is removed when this is dropped.
#[derive(Debug)]
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Generates a new authority and its certificates.
    ///
    /// # Panics
    ///
    /// If there is no temporary directory.
    pub fn new() -> Self {
        // No other test has the same port.
        let name = format!("traffik-tls-{}-{}", std::process::id(), port::free());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("there is a temporary directory");
        let certificates = Self { directory };

        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // OpenSSL finds an issuer by its name: a certificate of the same name would count as its
        // own issuer.
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let ca = params.self_signed(&key).expect("a certificate");
        certificates.write("ca.pem", &ca.pem());
        let issuer = Issuer::new(params, key);
        for (name, host) in [("server", "127.0.0.1"), ("client", "client.example")] {
            let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
            params.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().expect("a key");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            certificates.write(&format!("{name}.pem"), &certificate.pem());
            certificates.write(&format!("{name}.key"), &key.serialize_pem());
        }
        certificates
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.join(name), text).expect("the directory can be written to");
    }

    /// Returns the path of `ca.pem`, `server.pem`, `server.key`, `client.pem` or `client.key`.
    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Returns the text of one of these files.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).expect("one of the files")
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
