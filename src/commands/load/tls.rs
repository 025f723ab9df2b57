//! TLS as the system trusts it, and with the certificates of a file.

use std::path::Path;
use std::sync::Arc;

use rustls_platform_verifier::{BuilderVerifierExt, Verifier};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, Error as TlsError};

use crate::Error;

/// How connections become secret.
///
/// # Errors
/// The file holds no certificate, or the system's cannot be read.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, Error> {
    let provider = Arc::new(ring::default_provider());
    let failed = |error: TlsError| Error::Incomplete(format!("cannot prepare TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let mut config = match ca_file {
        None => builder
            .with_platform_verifier()
            .map_err(failed)?
            .with_no_client_auth(),
        Some(path) => {
            let verifier = Verifier::new_with_extra_roots(certificates(path)?, provider).map_err(failed)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let refused = |why: String| Error::Usage(format!("--ca-file {}: {why}", path.display()));
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused("no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}
