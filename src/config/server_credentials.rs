//! `[tenants.servers.credentials]`: how the gateway shows an upstream server who it is.

use http::HeaderName;
use http::header::AUTHORIZATION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::{Checks, web_address};
use super::database::SecretPlace;
use super::problem::KeyPath;
use crate::model::{
    ClientCredentials, Digest, Secret, SecretHeader, UpstreamCredentials, UserCredentials,
};

/// How the gateway shows the server who it is. The token of a client never goes there.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CredentialsEntry {
    kind: CredentialsKind,
    /// `bearer`: the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretPlace")]
    token: Option<SecretPlace>,
    /// `header`: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    name: Option<String>,
    /// `header`: its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretPlace")]
    value: Option<SecretPlace>,
    /// `user`: the authorization server where people link their accounts; the one that the server
    /// names unless this says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    issuer: Option<String>,
    /// `client_credentials`: the token endpoint of the server's authorization server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    token_endpoint: Option<String>,
    /// `client_credentials`, and `user` with an `issuer`: the gateway's identifier there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    client_id: Option<String>,
    /// `client_credentials` and `user`: its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretPlace")]
    client_secret: Option<SecretPlace>,
    /// `client_credentials` and `user`: what the token is to be good for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    /// `client_credentials`: the resource that the token is to be good at (RFC 8707), mostly the
    /// server's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    resource: Option<String>,
}

/// `none`; `bearer` and `header`: with a secret of the gateway's own; `client_credentials`: with a
/// token that it gets for itself; `user`: with a token of the person who calls, who linked their
/// account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum CredentialsKind {
    #[default]
    None,
    Bearer,
    Header,
    ClientCredentials,
    User,
}

impl CredentialsKind {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Header => "header",
            Self::ClientCredentials => "client_credentials",
            Self::User => "user",
        }
    }
}

/// Headers that say something else than who asks.
const OTHER_HEADERS: [&str; 13] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "last-event-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl CredentialsEntry {
    /// What stands at `path`, with the digests of the secrets in it.
    pub(super) fn resolve(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<(UpstreamCredentials, Vec<Digest>)> {
        self.check_keys(checks, path);
        match self.kind {
            CredentialsKind::None => Some((UpstreamCredentials::None, Vec::new())),
            CredentialsKind::Bearer => {
                let place = path.join("token");
                let token = secret(self.token.as_ref(), checks, &place)?;
                let value = SecretHeader::new(&format!("Bearer {}", token.expose()));
                let value = value.filter(|_| is_token(token.expose()));
                let value = checks.require(value, &place, "a token of RFC 6750")?;
                let digests = vec![token.digest()];
                Some((UpstreamCredentials::Header(AUTHORIZATION, value), digests))
            }
            CredentialsKind::Header => {
                let name = self.header_name(checks, &path.join("name"));
                let place = path.join("value");
                let value = secret(self.value.as_ref(), checks, &place)?;
                let header = SecretHeader::new(value.expose());
                let header = checks.require(header, &place, "the value of a header")?;
                let digests = vec![value.digest()];
                Some((UpstreamCredentials::Header(name?, header), digests))
            }
            CredentialsKind::ClientCredentials => self.client_credentials(checks, path),
            CredentialsKind::User => self.user(checks, path),
        }
    }

    fn header_name(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<HeaderName> {
        let name: Option<HeaderName> = self.name.as_deref().and_then(|name| name.parse().ok());
        let name = name.filter(|name| {
            let name = name.as_str();
            !name.starts_with("mcp-") && !OTHER_HEADERS.contains(&name)
        });
        let expected = "the name of a header, and of none that HTTP or MCP has a use for";
        checks.require(name, path, expected)
    }

    fn client_credentials(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<(UpstreamCredentials, Vec<Digest>)> {
        let endpoint = self.token_endpoint.as_deref().and_then(web_address);
        let expected = "the https URL of the token endpoint (http on this machine only)";
        let endpoint = checks.require(endpoint, &path.join("token_endpoint"), expected);
        let client_id = self.client_id.clone().filter(|id| !id.is_empty());
        let expected = "the identifier of a client at the authorization server";
        let client_id = checks.require(client_id, &path.join("client_id"), expected);
        let place = path.join("client_secret");
        let client_secret = secret(self.client_secret.as_ref(), checks, &place);
        let is_absolute = |text: &String| url::Url::parse(text).is_ok();
        if self
            .resource
            .as_ref()
            .is_some_and(|text| !is_absolute(text))
        {
            checks.refuse(&path.join("resource"), "an absolute URI");
        }
        let client_secret = client_secret?;
        let digests = vec![client_secret.digest()];
        let credentials = ClientCredentials {
            token_endpoint: endpoint?,
            client_id: client_id?,
            client_secret,
            scopes: self.scopes.clone(),
            resource: self.resource.clone(),
        };
        let credentials = UpstreamCredentials::ClientCredentials(Box::new(credentials));
        Some((credentials, digests))
    }

    fn user(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<(UpstreamCredentials, Vec<Digest>)> {
        let is_issuer = |text: &String| {
            let url = web_address(text);
            url.is_some_and(|url| url.query().is_none() && url.fragment().is_none())
        };
        if self.issuer.as_ref().is_some_and(|text| !is_issuer(text)) {
            let expected = "the https URL of an authorization server (http on this machine only)";
            checks.refuse(&path.join("issuer"), expected);
        }
        if self.client_id.is_some() && self.issuer.is_none() {
            // What a server names could be anybody, and would be shown the secret.
            let expected = "the issuer that the client is registered at";
            checks.refuse(&path.join("issuer"), expected);
        }
        if self.client_secret.is_some() && self.client_id.is_none() {
            checks.refuse(&path.join("client_id"), "the client that the secret is of");
        }
        let place = path.join("client_secret");
        let kept = self.client_secret.as_ref();
        let client_secret = kept.map(|kept| kept.resolve(checks, &place));
        let client_secret = match client_secret {
            Some(found) => Some(found?),
            None => None,
        };
        let digests = client_secret.iter().map(Secret::digest).collect();
        let client = self.client_id.clone().map(|id| (id, client_secret));
        let credentials = UserCredentials {
            issuer: self.issuer.clone(),
            client,
            scopes: self.scopes.clone(),
        };
        Some((UpstreamCredentials::User(Box::new(credentials)), digests))
    }

    /// Refuses what belongs to another kind: whoever wrote it meant something else.
    fn check_keys(&self, checks: &mut Checks<'_>, path: &KeyPath) {
        use CredentialsKind::{Bearer, ClientCredentials, Header, User};
        const OF_CLIENTS: &[CredentialsKind] = &[ClientCredentials, User];
        let keys: [(&str, &[CredentialsKind], bool); 9] = [
            ("token", &[Bearer], self.token.is_some()),
            ("name", &[Header], self.name.is_some()),
            ("value", &[Header], self.value.is_some()),
            ("issuer", &[User], self.issuer.is_some()),
            (
                "token_endpoint",
                &[ClientCredentials],
                self.token_endpoint.is_some(),
            ),
            ("client_id", OF_CLIENTS, self.client_id.is_some()),
            ("client_secret", OF_CLIENTS, self.client_secret.is_some()),
            ("scopes", OF_CLIENTS, !self.scopes.is_empty()),
            ("resource", &[ClientCredentials], self.resource.is_some()),
        ];
        for (key, kinds, is_there) in keys {
            if is_there && !kinds.contains(&self.kind) {
                let names: Vec<String> =
                    kinds.iter().map(|it| format!("{:?}", it.name())).collect();
                checks.refuse_found(
                    &path.join(key),
                    "a key",
                    format!("it with kind {} only", names.join(" or ")),
                );
            }
        }
    }
}

fn secret(place: Option<&SecretPlace>, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Secret> {
    let expected = "{ env = \"NAME\" } or { file = \"PATH\" }";
    checks.require(place, path, expected)?.resolve(checks, path)
}

/// RFC 6750 §2.1, `b64token`
fn is_token(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !bare.is_empty() && bare.bytes().all(allowed)
}
