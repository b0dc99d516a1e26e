//! What a provider says about itself (OpenID Connect Discovery §3), held against what its operator
//! says.

use serde::Deserialize;
use url::Url;

use super::ProviderError;
use crate::model::{IdentityProvider, TENANT_PLACEHOLDER};

/// What a provider says about itself, as far as it may be believed.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    /// RFC 9207 §3.
    pub(super) names_issuer_in_answers: bool,
    pub(super) names_auth_time: bool,
    /// True where the client's secret goes into the body, because the header is not taken.
    pub(super) wants_secret_in_body: bool,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
    claims_supported: Option<Vec<String>>,
}

/// Where the document of `issuer` is. Entra's for several tenants is one for all of them.
pub(super) fn address(issuer: &str) -> Option<Url> {
    let issuer = issuer.replace(TENANT_PLACEHOLDER, "organizations");
    // OpenID Connect Discovery §4: a slash at the end is not doubled.
    let issuer = issuer.trim_end_matches('/');
    Url::parse(&format!("{issuer}/.well-known/openid-configuration")).ok()
}

impl Metadata {
    pub(super) fn read(provider: &IdentityProvider, body: &[u8]) -> Result<Self, ProviderError> {
        let document: Document = serde_json::from_slice(body)
            .map_err(|_| ProviderError::Unavailable("its metadata is no such document"))?;
        // OpenID Connect Discovery §4.3: byte for byte; Entra's has the placeholder in it.
        if document.issuer != provider.issuer {
            return Err(ProviderError::Untrusted(
                "its metadata is of another issuer",
            ));
        }
        let own = |address: &str| endpoint(provider, address);
        let userinfo_endpoint = document.userinfo_endpoint.as_deref();
        let lists = |list: &Option<Vec<String>>, name: &str| {
            list.iter().flatten().any(|listed| listed == name)
        };
        let methods = &document.token_endpoint_auth_methods_supported;
        Ok(Self {
            authorization_endpoint: page(provider, &document.authorization_endpoint)?,
            token_endpoint: own(&document.token_endpoint)?,
            jwks_uri: own(&document.jwks_uri)?,
            // Not needed to sign in: a foreign one is passed over.
            userinfo_endpoint: userinfo_endpoint.and_then(|address| own(address).ok()),
            names_issuer_in_answers: document.authorization_response_iss_parameter_supported,
            names_auth_time: lists(&document.claims_supported, "auth_time"),
            wants_secret_in_body: lists(methods, "client_secret_post")
                && !lists(methods, "client_secret_basic"),
            scopes: document.scopes_supported.unwrap_or_default(),
        })
    }

    /// What to ask for: what the operator says, or what is known to be there.
    pub(super) fn scopes_to_ask(&self, provider: &IdentityProvider) -> String {
        let offered = |name: &str| self.scopes.iter().any(|scope| scope == name);
        let mut scopes = vec!["openid"];
        match &provider.scopes {
            Some(configured) => {
                let more = configured.iter().map(String::as_str);
                scopes.extend(more.filter(|scope| *scope != "openid"));
            }
            None => {
                scopes.extend(["profile", "email"]);
                // Without it many providers give no refresh token, and refuse it where they know
                // another way.
                scopes.extend(["offline_access"].into_iter().filter(|name| offered(name)));
                let groups = [provider.groups_claim.as_str()].into_iter();
                scopes.extend(groups.filter(|name| offered(name)));
            }
        }
        scopes.join(" ")
    }
}

/// An address that Gatehouse itself asks. Secrets go there, or keys come from there: it is at the
/// issuer's own origin, or at one that the operator named.
fn endpoint(provider: &IdentityProvider, address: &str) -> Result<Url, ProviderError> {
    let foreign = ProviderError::Untrusted(
        "an endpoint is neither at the issuer's origin nor at one of endpoint_origins",
    );
    let url = Url::parse(address).map_err(|_| foreign)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    let named = provider.endpoint_origins.contains(&origin);
    if plain && (named || is_at_issuer(provider, &origin)) {
        Ok(url)
    } else {
        Err(foreign)
    }
}

/// The address that browsers are sent to. No secret goes there, so that another origin will do, but
/// not one without TLS.
fn page(provider: &IdentityProvider, address: &str) -> Result<Url, ProviderError> {
    let untrusted = ProviderError::Untrusted("its sign-in page is not at an https URL");
    let url = Url::parse(address).map_err(|_| untrusted)?;
    let origin = url.origin().ascii_serialization();
    if url.scheme() == "https" || is_at_issuer(provider, &origin) {
        Ok(url)
    } else {
        Err(untrusted)
    }
}

fn is_at_issuer(provider: &IdentityProvider, origin: &str) -> bool {
    address(&provider.issuer).is_some_and(|issuer| issuer.origin().ascii_serialization() == origin)
}
