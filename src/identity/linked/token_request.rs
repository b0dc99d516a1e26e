//! Requests to an authorization server's token endpoint (RFC 6749 §4.1.3, §6; RFC 8707 §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::attempt::Attempt;
use super::client::Client;
use super::fetch::Sent;
use super::tokens::Link;
use super::{LinkError, LinkedAccounts, redirect_uri};
use crate::model::{Linkable, Secret, Tenant, UpstreamAddress};

/// Why there are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What was shown is good for nothing any more (`invalid_grant`).
    Grant,
    /// The client is not known, or may not ask.
    Client,
    /// There may be tokens another time.
    Passing,
}

/// RFC 6749 §5.1
#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    token_type: String,
    refresh_token: Option<String>,
    expires_in: Option<u32>,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

pub(super) type Fields<'a> = Vec<(&'static str, &'a str)>;

impl LinkedAccounts {
    /// Exchanges the code that a browser brought.
    pub(super) async fn redeem(
        &self,
        at: Linkable<'_>,
        tenant: &Tenant,
        (attempt, client): (&Attempt, Client),
        (code, browser): (&str, &Secret),
    ) -> Result<Link, LinkError> {
        let (redirect_uri, verifier) = (redirect_uri(tenant), attempt.verifier(browser));
        let fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier.expose()),
            ("resource", attempt.resource.as_str()),
        ];
        let endpoint = &attempt.token_endpoint;
        let asked = self.ask(at.address, endpoint, &client, fields).await;
        let tokens = match asked {
            Ok(tokens) => tokens,
            Err(Refusal::Grant) => return Err(LinkError::Declined),
            Err(Refusal::Client) => {
                let (slug, issuer) = (&tenant.slug, attempt.issuer.as_str());
                self.forget_client(slug, issuer, &client.id).await;
                return Err(LinkError::Declined);
            }
            Err(Refusal::Passing) => {
                return Err(LinkError::Unavailable("the token endpoint does not answer"));
            }
        };
        Ok(Link {
            server_url: attempt.server_url.clone(),
            issuer: attempt.issuer.clone(),
            token_endpoint: endpoint.clone(),
            revocation_endpoint: attempt.revocation_endpoint.clone(),
            client,
            resource: attempt.resource.clone(),
            ends_at: self.end_of(&tokens),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
        })
    }

    /// Renews the tokens of a linked account. They are asked for where the account was linked,
    /// whatever the server or its authorization server says by now.
    pub(super) async fn renew(
        &self,
        address: &UpstreamAddress,
        link: Link,
    ) -> Result<Link, Refusal> {
        let shown = link.refresh_token.clone().ok_or(Refusal::Grant)?;
        let fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", shown.as_str()),
            ("resource", link.resource.as_str()),
        ];
        let tokens = self
            .ask(address, &link.token_endpoint, &link.client, fields)
            .await?;
        Ok(Link {
            ends_at: self.end_of(&tokens),
            access_token: tokens.access_token,
            // RFC 6749 §6: without another one, the one that there is stays.
            refresh_token: tokens.refresh_token.or(link.refresh_token),
            ..link
        })
    }

    fn end_of(&self, tokens: &TokenResponse) -> Option<i64> {
        let lifetime = tokens.expires_in.map(i64::from)?;
        Some(self.clock.now().seconds().saturating_add(lifetime))
    }

    async fn ask(
        &self,
        address: &UpstreamAddress,
        endpoint: &Url,
        client: &Client,
        fields: Fields<'_>,
    ) -> Result<TokenResponse, Refusal> {
        let sent = form_of(client, fields);
        let received = self.send(address, endpoint, sent).await;
        let received = received.map_err(|_| Refusal::Passing)?;
        if received.status.is_success() {
            let tokens: Result<TokenResponse, _> = serde_json::from_slice(&received.body);
            let is_bearer =
                |tokens: &TokenResponse| tokens.token_type.eq_ignore_ascii_case("bearer");
            return tokens.ok().filter(is_bearer).ok_or(Refusal::Passing);
        }
        // RFC 6749 §5.2: only the authorization server's word ends something; a proxy's 404 is none.
        let said: Option<ErrorResponse> = serde_json::from_slice(&received.body).ok();
        let said = said.filter(|_| received.status.is_client_error());
        Err(match said.as_ref().map(|said| said.error.as_str()) {
            Some("invalid_grant") => Refusal::Grant,
            Some("invalid_client" | "unauthorized_client") => Refusal::Client,
            _ => Refusal::Passing,
        })
    }
}

/// A form that says which client it is of.
pub(super) fn form_of<'a>(client: &'a Client, mut fields: Fields<'a>) -> Sent {
    let authorization = basic(client);
    if authorization.is_none() {
        fields.push(("client_id", &client.id));
    }
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut sent = Sent::post("application/x-www-form-urlencoded", body);
    sent.headers
        .extend(authorization.map(|value| (AUTHORIZATION, value)));
    sent
}

/// RFC 6749 §2.3.1; a client without a secret just says who it is.
fn basic(client: &Client) -> Option<HeaderValue> {
    let secret = client.secret.as_ref()?;
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(&client.id), encode(secret));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}
