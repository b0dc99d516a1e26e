//! Whom the gateway believes to be the server it asks: the certificate authorities of the system, which are read once.

use std::sync::{Arc, OnceLock};

use reqwest::Certificate;
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_platform_verifier::Verifier;

use super::client::EgressError;

/// Reading some hundred certificates is most of what making a client takes, and every tenant's servers have clients of their own.
static SYSTEM: OnceLock<Arc<Verifier>> = OnceLock::new();

/// Makes a client of `builder`, which believes the system's authorities.
pub(super) fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, EgressError> {
    let mut config = client_config()?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = builder.tls_backend_preconfigured(config).build();
    client.map_err(|_| EgressError::Setup)
}

/// What a client believes and offers that believes the system's authorities, but for the protocol within.
pub(super) fn client_config() -> Result<ClientConfig, EgressError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = system(&provider)?;
    config(provider, verifier)
}

fn system(provider: &Arc<CryptoProvider>) -> Result<Arc<Verifier>, EgressError> {
    if let Some(verifier) = SYSTEM.get() {
        return Ok(Arc::clone(verifier));
    }
    let read = Verifier::new(Arc::clone(provider)).map_err(|_| EgressError::Setup)?;
    Ok(Arc::clone(SYSTEM.get_or_init(|| Arc::new(read))))
}

/// The same, and it believes the authorities in `roots` (PEM) as well.
pub(super) fn build_trusting(
    builder: reqwest::ClientBuilder,
    roots: &[u8],
) -> Result<reqwest::Client, EgressError> {
    let roots = Certificate::from_pem_bundle(roots).map_err(|_| EgressError::Setup)?;
    if roots.is_empty() {
        return build(builder);
    }
    let client = builder.tls_certs_merge(roots).build();
    client.map_err(|_| EgressError::Setup)
}

fn config(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, EgressError> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| EgressError::Setup)?;
    // rustls calls every verifier dangerous that it is given; this is the one that reqwest makes by itself.
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}
