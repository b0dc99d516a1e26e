//! The relying party: Gatehouse as a client of identity providers (OpenID Connect Core).

mod discovery;
mod id_token;
mod logout;
mod metadata;
mod person;
mod token_request;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::egress::{self, EgressError};
use crate::model::{Clock, IdentityProvider, Secret, Tenant, Timestamp};
use crate::telemetry::Meters;

use discovery::Endpoint;
pub use logout::{InvalidLogout, Logout};
pub use person::Person;

/// Talks to identity providers. What they publish is kept in memory, for each tenant its own copy.
#[derive(Debug)]
pub struct RelyingParty {
    http: egress::Client,
    clock: Arc<dyn Clock>,
    endpoints: Cache<String, Arc<Endpoint>>,
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider can't be reached, answers too late, or not with what it should.
    #[error("the provider does not answer as it should: {0}")]
    Unavailable(&'static str),
    /// What the provider says about itself is not what the operator configured.
    #[error("the provider is not the configured one: {0}")]
    Untrusted(&'static str),
    /// The provider refused what it was asked.
    #[error("the provider refuses the request")]
    Refused,
    /// The provider's answer does not hold.
    #[error("the provider's answer does not hold: {0}")]
    Invalid(&'static str),
    /// The person is in more groups than fit into a token.
    #[error("the person is in more groups than the provider names")]
    TooManyGroups,
    /// The account belongs to another organisation.
    #[error("the account is of another organisation")]
    OtherOrganisation,
}

/// What one sign-in is known by.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// What the provider hands back with its answer.
    pub state: &'a str,
    /// What ties the ID token to the attempt.
    pub nonce: &'a Secret,
    /// What only the browser that began can prove (RFC 7636).
    pub verifier: &'a Secret,
    /// The page that the person should see there, whether they are signed in or not.
    pub prompt: Option<&'a str>,
    /// Who they are likely to be.
    pub login_hint: Option<&'a str>,
}

/// What came back with the browser.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The code.
    pub code: &'a str,
    /// What ties the ID token to the attempt.
    pub nonce: &'a Secret,
    /// What only the browser that began can prove.
    pub verifier: &'a Secret,
    /// From when on the person must have proven who they are, where that was asked for.
    pub since: Option<Timestamp>,
}

/// How long one request to a provider may take. A person waits for three at most, the last of them
/// over a connection that stands; [`PATIENCE`] bounds them together.
const REQUEST: Duration = Duration::from_millis(2500);

/// How long a person waits for a provider before they read that it does not answer.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// How far clocks may be apart, in seconds.
const CLOCK_DIFFERENCE: Duration = Duration::from_mins(1);

/// Providers that are remembered at a time.
const MOST_ENDPOINTS: u64 = 4096;

impl RelyingParty {
    /// A relying party.
    pub fn new(clock: Arc<dyn Clock>, meters: &Meters) -> Result<Self, EgressError> {
        let http = egress::Client::new(&egress::Settings {
            connect_timeout: Duration::from_millis(1500),
            read_timeout: REQUEST,
            total_timeout: REQUEST,
            max_body: 256 * 1024,
            user_agent: egress::USER_AGENT.to_owned(),
        })?;
        let http = http.watched(egress::Watched {
            meters: meters.clone(),
            peer: "identity_provider",
        });
        Ok(Self {
            http,
            clock,
            endpoints: Cache::new(MOST_ENDPOINTS),
        })
    }

    /// Where the browser goes to sign in at `provider`.
    pub async fn authorization_url(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        attempt: &Attempt<'_>,
    ) -> Result<String, ProviderError> {
        let endpoint = self.endpoint(tenant, provider);
        let metadata = endpoint.metadata(self, provider).await?;
        let challenge = attempt.verifier.digest();
        let mut url = metadata.authorization_endpoint.clone();
        let scope = metadata.scopes_to_ask(provider);
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", &redirect_uri(tenant))
            .append_pair("scope", &scope)
            .append_pair("state", attempt.state)
            .append_pair("nonce", attempt.nonce.expose())
            .append_pair("code_challenge", &base64url(challenge.as_bytes()))
            .append_pair("code_challenge_method", "S256");
        if let Some(hint) = attempt.login_hint {
            query.append_pair("login_hint", hint);
        }
        // OpenID Connect Core §3.1.2.1: to be asked for only where the answer can be held to it.
        if attempt.prompt == Some("login") && metadata.names_auth_time {
            query.append_pair("max_age", "0");
        }
        if let Some(domain) = &provider.hosted_domain {
            query.append_pair("hd", domain);
        }
        let own = attempt.prompt.map(|prompt| ("prompt", prompt));
        let configured = provider.parameters.iter();
        let configured = configured.map(|(name, value)| (name.as_str(), value.as_str()));
        // The client's wish to have the person asked again goes before the operator's.
        for (name, value) in configured.filter(|(name, _)| own.is_none() || *name != "prompt") {
            query.append_pair(name, value);
        }
        if let Some((name, value)) = own {
            query.append_pair(name, value);
        }
        drop(query);
        Ok(url.into())
    }

    /// RFC 9207 §2.4: an answer of another issuer than the one that was asked goes no further, least
    /// of all the code in it.
    pub async fn check_issuer_of_answer(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        issuer: Option<&str>,
    ) -> Result<(), ProviderError> {
        let metadata = self
            .endpoint(tenant, provider)
            .metadata(self, provider)
            .await?;
        match issuer {
            Some(issuer) if provider.is_issuer(issuer) => Ok(()),
            None if !metadata.names_issuer_in_answers => Ok(()),
            Some(_) | None => Err(ProviderError::Invalid("the answer is of another issuer")),
        }
    }

    /// Exchanges the code and finds out who signed in.
    pub async fn redeem(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        answer: &Answer<'_>,
    ) -> Result<Person, ProviderError> {
        let endpoint = self.endpoint(tenant, provider);
        let tokens = token_request::redeem(self, &endpoint, (tenant, provider), answer).await?;
        let text = tokens.id_token.as_deref();
        let text = text.ok_or(ProviderError::Invalid("no ID token"))?;
        let token = id_token::verify(self, &endpoint, provider, text).await?;
        id_token::check_answer(&token, answer, &tokens)?;
        let found = self
            .complete(&endpoint, provider, token.claimed(), &tokens)
            .await?;
        Ok(found)
    }

    /// Asks again about a person who signed in before, with the refresh token from then.
    pub async fn refresh(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        (subject, refresh_token): (&str, &Secret),
    ) -> Result<Person, ProviderError> {
        let endpoint = self.endpoint(tenant, provider);
        let tokens = token_request::refresh(self, &endpoint, provider, refresh_token).await?;
        let person = match tokens.id_token.as_deref() {
            Some(text) => {
                let token = id_token::verify(self, &endpoint, provider, text).await?;
                id_token::check_hash(&token, &tokens)?;
                self.complete(&endpoint, provider, token.claimed(), &tokens)
                    .await?
            }
            // OpenID Connect Core §12.2: the answer may have no ID token.
            None => person::ask(self, &endpoint, provider, (None, &tokens)).await?,
        };
        // OpenID Connect Core §12.2: about the same person as before.
        if person.subject != subject {
            return Err(ProviderError::Invalid("the answer is about someone else"));
        }
        Ok(person)
    }

    /// Who the claims of a verified ID token are about. Groups that are not in it may be at the
    /// `UserInfo` endpoint.
    async fn complete(
        &self,
        endpoint: &Endpoint,
        provider: &IdentityProvider,
        claims: &crate::jose::ProviderClaims,
        tokens: &token_request::Tokens,
    ) -> Result<Person, ProviderError> {
        let mut found = Person::read(provider, claims)?;
        found.refresh_token.clone_from(&tokens.refresh_token);
        if found.groups.is_none() && !provider.roles.is_empty() {
            let metadata = endpoint.metadata(self, provider).await?;
            if metadata.userinfo_endpoint.is_some() {
                let subject = claims.sub.as_deref();
                let asked = person::ask(self, endpoint, provider, (subject, tokens)).await?;
                found.groups = asked.groups;
            }
        }
        Ok(found)
    }

    fn endpoint(&self, tenant: &Tenant, provider: &IdentityProvider) -> Arc<Endpoint> {
        // What one tenant's provider says counts for no other one, and a change of what an operator
        // says about it begins with nothing.
        let key = format!(
            "{}\n{}\n{}\n{:?}",
            tenant.slug, provider.name, provider.issuer, provider.endpoint_origins
        );
        self.endpoints.get_with(key, Arc::default)
    }
}

/// Where providers send people back to.
#[must_use]
pub fn redirect_uri(tenant: &Tenant) -> String {
    tenant.public_url.join("/login/callback")
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
