//! The client's side of OAuth: discovery, registration, authorization, tokens.
#![expect(
    clippy::indexing_slicing,
    reason = "what a JSON value lacks reads as null, and null fails the step"
)]

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use http::header::{LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::model::{CodeVerifier, Secret, SystemRandom};

use super::agent::{Agent, Answer};

/// Who signs in.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// A client, and what it has learnt so far.
pub(super) struct Client<'a> {
    pub(super) agent: Agent,
    pub(super) resource: String,
    pub(super) metadata: Value,
    pub(super) id: String,
    account: &'a Account,
}

const REDIRECT_URI: &str = "http://127.0.0.1:53682/callback";

impl<'a> Client<'a> {
    /// A client that knows the one URL of its resource.
    pub(super) fn new(agent: Agent, account: &'a Account, resource: &str) -> Self {
        let (metadata, id) = (Value::Null, String::new());
        Self {
            agent,
            resource: resource.to_owned(),
            metadata,
            id,
            account,
        }
    }

    pub(super) fn code_verifier() -> CodeVerifier {
        CodeVerifier::generate(&SystemRandom)
    }

    pub(super) async fn unauthenticated(&mut self) -> anyhow::Result<((String, String), String)> {
        let answer = self.mcp(None, "server/discover", None, json!({})).await?;
        let answer = answer.expect(StatusCode::UNAUTHORIZED)?;
        let challenge = answer.header(WWW_AUTHENTICATE)?;
        let url = parameter(challenge, "resource_metadata").context("no resource_metadata")?;
        let scopes = parameter(challenge, "scope").context("no scope")?;
        let proof = format!("401; the challenge names {url} and the scope {scopes}");
        Ok(((url, scopes), proof))
    }

    pub(super) async fn resource_metadata(
        &mut self,
        url: &str,
    ) -> anyhow::Result<(String, String)> {
        let document = self.agent.get(url).await?.expect(StatusCode::OK)?.json()?;
        // RFC 9728 §3.3: a document about another resource must not be used.
        ensure!(
            document["resource"] == self.resource.as_str(),
            "it describes another resource"
        );
        let issuer = text(&document["authorization_servers"][0])?;
        Ok((
            issuer.clone(),
            format!("the resource is ours; its tokens come from {issuer}"),
        ))
    }

    pub(super) async fn server_metadata(
        &mut self,
        issuer: &str,
    ) -> anyhow::Result<(Value, String)> {
        let issuer_url = Url::parse(issuer)?;
        let path = issuer_url.path().trim_end_matches('/');
        let well_known =
            issuer_url.join(&format!("/.well-known/oauth-authorization-server{path}"))?;
        let document = self
            .agent
            .get(well_known.as_str())
            .await?
            .expect(StatusCode::OK)?
            .json()?;
        // RFC 8414 §3.3
        ensure!(
            document["issuer"] == issuer,
            "it is another issuer's document"
        );
        let methods = &document["code_challenge_methods_supported"];
        ensure!(methods == &json!(["S256"]), "PKCE with S256 is not offered");
        Ok((
            document,
            "the issuer is the one asked for, PKCE is S256 only".to_owned(),
        ))
    }

    pub(super) async fn register(&mut self) -> anyhow::Result<(String, String)> {
        let url = text(&self.metadata["registration_endpoint"])?;
        let body = json!({
            "client_name": "Gatehouse demo",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        });
        let answer = self
            .agent
            .post_json(&url, None, HeaderMap::new(), &body)
            .await?;
        let document = answer.expect(StatusCode::CREATED)?.json()?;
        ensure!(
            document.get("client_secret").is_none(),
            "a public client got a secret"
        );
        let id = text(&document["client_id"])?;
        Ok((
            id.clone(),
            format!("client_id {id}, a public client without secret"),
        ))
    }

    /// The authorization request's URL (OAuth 2.1 §4.1.1, RFC 8707 §2).
    fn authorization_url(
        &self,
        redirect_uri: &str,
        scopes: &str,
        challenge: &str,
        state: &str,
    ) -> anyhow::Result<Url> {
        let mut url = Url::parse(&text(&self.metadata["authorization_endpoint"])?)?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", redirect_uri),
            ("scope", scopes),
            ("state", state),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("resource", &self.resource),
        ]);
        Ok(url)
    }

    pub(super) async fn authorize(
        &mut self,
        scopes: &str,
        verifier: &CodeVerifier,
    ) -> anyhow::Result<(String, String)> {
        let state = Secret::generate(&SystemRandom);
        let url =
            self.authorization_url(REDIRECT_URI, scopes, &verifier.challenge(), state.expose())?;
        let consent = self.sign_in(&url).await?;
        let form = consent.form(&url, "decision")?;
        let answer = self.agent.submit(&form, &[("decision", "approve")]).await?;
        let back = answer.expect(StatusCode::SEE_OTHER)?.location(&url)?;
        ensure!(
            back.as_str().starts_with(REDIRECT_URI),
            "sent to another address"
        );
        let parameters: HashMap<_, _> = back.query_pairs().into_owned().collect();
        ensure!(
            parameters
                .get("state")
                .is_some_and(|got| got == state.expose()),
            "another state"
        );
        // RFC 9207 §2.4
        let issuer = parameters.get("iss").context("no iss")?;
        ensure!(
            self.metadata["issuer"] == issuer.as_str(),
            "another issuer answered"
        );
        let code = parameters.get("code").context("no code")?.clone();
        let proof = format!(
            "signed in as {}; a code came back with state and iss",
            self.account.username
        );
        Ok((code, proof))
    }

    /// Follows to the consent page, signing in on the way where the gateway asks for it.
    async fn sign_in(&mut self, authorize: &Url) -> anyhow::Result<Answer> {
        let answer = self.agent.get(authorize.as_str()).await?;
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        let login = answer.expect(StatusCode::SEE_OTHER)?.location(authorize)?;
        let page = self
            .agent
            .get(login.as_str())
            .await?
            .expect(StatusCode::OK)?;
        let form = page.form(&login, "password")?;
        let credentials = [
            ("username", self.account.username.as_str()),
            ("password", self.account.password.expose()),
        ];
        let answer = self.agent.submit(&form, &credentials).await?;
        let back = answer.expect(StatusCode::SEE_OTHER)?.location(&login)?;
        self.agent.get(back.as_str()).await?.expect(StatusCode::OK)
    }

    pub(super) async fn exchange(
        &mut self,
        code: &str,
        verifier: &CodeVerifier,
    ) -> anyhow::Result<(String, String)> {
        let url = text(&self.metadata["token_endpoint"])?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &self.id),
            ("code_verifier", verifier.expose()),
            ("resource", &self.resource),
        ];
        let answer = self.agent.post_form(&url, &fields).await?;
        let document = answer.expect(StatusCode::OK)?.json()?;
        let token = text(&document["access_token"])?;
        ensure!(document["token_type"] == "Bearer", "not a bearer token");
        let proof = format!(
            "a token for {} seconds with the scopes {}, and a refresh token",
            document["expires_in"],
            text(&document["scope"])?
        );
        text(&document["refresh_token"])?;
        Ok((token, proof))
    }

    pub(super) async fn wrong_redirect(&mut self) -> anyhow::Result<((), String)> {
        let challenge = Self::code_verifier().challenge();
        let url =
            self.authorization_url("https://evil.example/cb", "mcp:tools", &challenge, "x")?;
        let answer = self
            .agent
            .get(url.as_str())
            .await?
            .expect(StatusCode::BAD_REQUEST)?;
        ensure!(!answer.headers.contains_key(LOCATION), "it redirects");
        Ok((
            (),
            "an unregistered redirect URI ends on a page and leads nowhere".to_owned(),
        ))
    }

    pub(super) async fn step_up(
        &mut self,
        held: &str,
        required: &str,
    ) -> anyhow::Result<(String, String)> {
        let verifier = Self::code_verifier();
        let (code, _) = self
            .authorize(&format!("{held} {required}"), &verifier)
            .await?;
        let (token, proof) = self.exchange(&code, &verifier).await?;
        Ok((token, format!("consented again: {proof}")))
    }
}

/// The value of a quoted parameter of a `WWW-Authenticate` header.
pub(super) fn parameter(challenge: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    challenge
        .split(", ")
        .map(|part| part.trim_start_matches("Bearer "))
        .find_map(|part| part.strip_prefix(&start)?.strip_suffix('"'))
        .map(str::to_owned)
}

pub(super) fn text(value: &Value) -> anyhow::Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("a member is missing or no text")
}
