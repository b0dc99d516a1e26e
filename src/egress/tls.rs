//! Whom the gateway believes to be the server it asks: the certificate authorities of the system, which are read once.

use std::sync::{Arc, LazyLock, OnceLock};

use reqwest::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::client::EgressError;

/// Reading some hundred certificates would be a third of what it takes to start, and every tenant's servers have
/// clients of their own.
static SYSTEM: LazyLock<Arc<System>> = LazyLock::new(|| {
    Arc::new(System {
        provider: Arc::new(aws_lc_rs::default_provider()),
        authorities: OnceLock::new(),
    })
});

/// The authorities of the system, read when the first server shows its certificate.
#[derive(Debug)]
struct System {
    provider: Arc<CryptoProvider>,
    authorities: OnceLock<Verifier>,
}

/// Makes a client of `builder`, which believes the system's authorities.
pub(super) fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, EgressError> {
    let mut config = client_config()?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = builder.tls_backend_preconfigured(config).build();
    client.map_err(|_| EgressError::Setup)
}

/// What a client believes and offers that believes the system's authorities, but for the protocol within.
pub(super) fn client_config() -> Result<ClientConfig, EgressError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&SYSTEM.provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| EgressError::Setup)?;
    let verifier = Arc::clone(&*SYSTEM);
    // rustls calls every verifier dangerous that it is given; this is the one that reqwest makes by itself, made later.
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
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

impl System {
    /// Whether they can be read is found out anew each time, until they can.
    fn authorities(&self) -> Result<&Verifier, Error> {
        if let Some(authorities) = self.authorities.get() {
            return Ok(authorities);
        }
        let read = Verifier::new(Arc::clone(&self.provider)).inspect_err(|error| {
            tracing::error!(%error, "the system's certificate authorities can't be read: no server is believed");
        })?;
        Ok(self.authorities.get_or_init(|| read))
    }
}

impl ServerCertVerifier for System {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authorities = self.authorities()?;
        authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
