//! How the gateway shows a mounted server who it is. What a client sent is not at hand here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, ClientSecret, Scope, TokenResponse as _, TokenUrl};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failure::Failure;
use super::linking::Person;
use crate::egress::{Client, EgressError};
use crate::model::{ClientCredentials, SecretHeader, UpstreamCredentials};

/// The credentials for one server.
#[derive(Clone, Debug)]
pub(super) enum Credentials {
    None,
    Header(http::HeaderName, SecretHeader),
    Token(Arc<TokenSource>),
    /// The token of one person.
    Person(Arc<Person>),
}

/// Gets tokens for the gateway itself (RFC 6749 §4.4), one for all requests until it ends.
#[derive(Debug)]
pub(super) struct TokenSource {
    settings: ClientCredentials,
    client: Client,
    held: Mutex<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    header: SecretHeader,
    /// From when on another one is to be had.
    renew_at: Instant,
    ends_at: Instant,
}

/// How long a token is taken to be good that does not say so (RFC 6749 §5.1 leaves it to others).
const UNSAID: Duration = Duration::from_mins(5);

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(5);

impl Credentials {
    /// The credentials as operators describe them; `client` asks for tokens.
    pub(super) fn new(
        credentials: &UpstreamCredentials,
        client: &Client,
        person: Option<&Arc<Person>>,
    ) -> Self {
        if let Some(person) = person {
            return Self::Person(Arc::clone(person));
        }
        match credentials {
            // Without a person there is nothing to show.
            UpstreamCredentials::None | UpstreamCredentials::User(_) => Self::None,
            UpstreamCredentials::Header(name, value) => Self::Header(name.clone(), value.clone()),
            UpstreamCredentials::ClientCredentials(settings) => {
                Self::Token(Arc::new(TokenSource {
                    settings: ClientCredentials::clone(settings),
                    client: client.clone(),
                    held: Mutex::default(),
                }))
            }
        }
    }

    /// Adds them to a request.
    pub(super) async fn add_to(&self, headers: &mut HeaderMap) -> Result<(), Failure> {
        match self {
            Self::None => {}
            Self::Header(name, value) => {
                headers.insert(name, value.expose().clone());
            }
            Self::Token(source) => {
                let header = source.header().await?;
                headers.insert(AUTHORIZATION, header.expose().clone());
            }
            Self::Person(person) => {
                let header = person.header().await?;
                headers.insert(AUTHORIZATION, header.expose().clone());
            }
        }
        Ok(())
    }

    /// True where they are those of the person who calls.
    pub(super) const fn are_of_person(&self) -> bool {
        matches!(self, Self::Person(_))
    }

    /// Drops a token that the server did not take; true when there may be another one.
    pub(super) async fn renew(&self) -> bool {
        match self {
            Self::None | Self::Header(..) => false,
            Self::Token(source) => source.held.lock().await.take().is_some(),
            Self::Person(person) => person.refuse().await,
        }
    }
}

impl TokenSource {
    async fn header(self: &Arc<Self>) -> Result<SecretHeader, Failure> {
        let now = Instant::now();
        // Whoever comes while one is asked for waits for it; there is one request at a time.
        let mut held = self.held.lock().await;
        if let Some(found) = held.as_mut().filter(|found| now < found.ends_at) {
            let header = found.header.clone();
            if now >= found.renew_at {
                // The old one is good for a while: nobody has to wait for the new one.
                found.renew_at = found.ends_at;
                tokio::spawn(Arc::clone(self).renew());
            }
            return Ok(header);
        }
        let fresh = self.fetch().await?;
        let header = fresh.header.clone();
        *held = Some(fresh);
        Ok(header)
    }

    async fn renew(self: Arc<Self>) {
        if let Ok(fresh) = self.fetch().await {
            *self.held.lock().await = Some(fresh);
        }
    }

    async fn fetch(&self) -> Result<Held, Failure> {
        let settings = &self.settings;
        let endpoint = TokenUrl::from_url(settings.token_endpoint.clone());
        let secret = ClientSecret::new(settings.client_secret.expose().to_owned());
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_client_secret(secret)
            .set_auth_type(AuthType::BasicAuth)
            .set_token_uri(endpoint);
        let mut request = client.exchange_client_credentials();
        for scope in &settings.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Some(resource) = &settings.resource {
            request = request.add_extra_param("resource", resource.clone());
        }
        let asked = Instant::now();
        let egress = self.client.clone();
        let http = move |request| {
            let egress = egress.clone();
            async move { send(&egress, request).await }
        };
        let answered = request.request_async(&http).await;
        // What the server wrote may hold the secret, so that it is not logged.
        let token = answered.map_err(|_| {
            tracing::warn!(endpoint = %settings.token_endpoint, "got no token for a mounted server");
            Failure::Token
        })?;
        let value = format!("Bearer {}", token.access_token().secret());
        let lifetime = token.expires_in().unwrap_or(UNSAID).max(MARGIN * 2);
        Ok(Held {
            header: SecretHeader::new(&value).ok_or(Failure::Token)?,
            renew_at: asked + lifetime.mul_f32(0.8),
            ends_at: asked + lifetime.saturating_sub(MARGIN),
        })
    }
}

async fn send(
    client: &Client,
    request: oauth2::HttpRequest,
) -> Result<oauth2::HttpResponse, EgressError> {
    let (head, body) = request.into_parts();
    let url = url::Url::parse(&head.uri.to_string()).map_err(|_| EgressError::Setup)?;
    let response = client.post(url, head.headers, Bytes::from(body)).await?;
    Ok(response.map(|body| body.to_vec()))
}
