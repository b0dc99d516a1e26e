//! The client that the gateway is at an authorization server: configured, or registered by itself
//! (RFC 7591), once for each issuer and shown to no other one.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::attempt::Attempt;
use super::fetch::Sent;
use super::metadata::ServerMetadata;
use super::{LinkError, LinkedAccounts, redirect_uri};
use crate::model::{Linkable, Tenant, TenantSlug};

/// A client of an authorization server.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
    /// Where its people are sent back to; another address takes another client.
    redirect_uri: String,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: Option<String>,
}

impl LinkedAccounts {
    /// The client at the issuer, which is registered where there is none yet.
    pub(super) async fn client(
        &self,
        tenant: &Tenant,
        at: Linkable<'_>,
        metadata: &ServerMetadata,
    ) -> Result<Client, LinkError> {
        if let Some(client) = configured(tenant, at) {
            return Ok(client);
        }
        let issuer = &metadata.issuer;
        let stored = self
            .store
            .find_upstream_client(&tenant.slug, issuer)
            .await?;
        if let Some(client) = self.open_client(tenant, issuer, stored.as_deref()) {
            return Ok(client);
        }
        let endpoint = metadata.registration_endpoint.as_ref();
        let endpoint = endpoint.ok_or(LinkError::NoClient)?;
        let client = self.register(tenant, at, endpoint).await?;
        let sealed = self.seal_client(&tenant.slug, issuer, &client)?;
        let kept = (stored.as_deref(), sealed.as_slice());
        self.store
            .keep_upstream_client(&tenant.slug, issuer, kept)
            .await?;
        // Another replica may have been first; then its client counts.
        let stored = self
            .store
            .find_upstream_client(&tenant.slug, issuer)
            .await?;
        let counts = self.open_client(tenant, issuer, stored.as_deref());
        counts.ok_or(LinkError::NoClient)
    }

    /// The client that the attempt was begun with.
    pub(super) async fn known_client(
        &self,
        tenant: &Tenant,
        at: Linkable<'_>,
        attempt: &Attempt,
    ) -> Result<Client, LinkError> {
        let client = if let Some(client) = configured(tenant, at) {
            Some(client)
        } else {
            let issuer = attempt.issuer.as_str();
            let stored = self.store.find_upstream_client(&tenant.slug, issuer);
            self.open_client(tenant, issuer, stored.await?.as_deref())
        };
        let client = client.filter(|client| client.id == attempt.client_id);
        client.ok_or(LinkError::UnknownState)
    }

    /// Forgets a registration that the authorization server no longer knows, so that the next
    /// attempt registers anew.
    pub(super) async fn forget_client(&self, tenant: &TenantSlug, issuer: &str, id: &str) {
        let stored = self.store.find_upstream_client(tenant, issuer).await;
        let Ok(Some(sealed)) = stored else { return };
        let opened = self.cipher.open(&place(tenant, issuer), &sealed).ok();
        let client = opened.and_then(|text| serde_json::from_str::<Client>(text.expose()).ok());
        if client.is_none_or(|client| client.id == id) {
            let forgotten = self.store.forget_upstream_client(tenant, issuer, &sealed);
            if let Err(error) = forgotten.await {
                tracing::warn!(%error, "a registration that is no longer known is kept");
            }
        }
    }

    fn open_client(&self, tenant: &Tenant, issuer: &str, sealed: Option<&[u8]>) -> Option<Client> {
        let opened = self.cipher.open(&place(&tenant.slug, issuer), sealed?);
        let client: Client = serde_json::from_str(opened.ok()?.expose()).ok()?;
        (client.redirect_uri == redirect_uri(tenant)).then_some(client)
    }

    fn seal_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        client: &Client,
    ) -> Result<Vec<u8>, LinkError> {
        const FAILED: LinkError = LinkError::Unavailable("the client can't be sealed");
        let text = serde_json::to_vec(client).map_err(|_| FAILED)?;
        let sealed = self.cipher.seal(&place(tenant, issuer), &text);
        sealed.map_err(|_| FAILED)
    }

    /// RFC 7591 §3
    async fn register(
        &self,
        tenant: &Tenant,
        at: Linkable<'_>,
        endpoint: &Url,
    ) -> Result<Client, LinkError> {
        let redirect_uri = redirect_uri(tenant);
        let wanted = json!({
            "client_name": format!("Gatehouse at {}", tenant.public_url.host()),
            "client_uri": tenant.public_url.as_str(),
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let sent = Sent::post("application/json", wanted.to_string());
        let received = self.send(at.address, endpoint, sent).await?;
        if !matches!(received.status, StatusCode::CREATED | StatusCode::OK) {
            let status = received.status;
            tracing::warn!(server = at.server, %status, "an authorization server registers nobody");
            return Err(LinkError::NoClient);
        }
        let registered: Registered = serde_json::from_slice(&received.body)
            .map_err(|_| LinkError::Unavailable("the registration is no such document"))?;
        Ok(Client {
            id: registered.client_id,
            secret: registered.client_secret,
            redirect_uri,
        })
    }
}

fn configured(tenant: &Tenant, at: Linkable<'_>) -> Option<Client> {
    let (id, secret) = at.credentials.client.as_ref()?;
    Some(Client {
        id: id.clone(),
        secret: secret.as_ref().map(|secret| secret.expose().to_owned()),
        redirect_uri: redirect_uri(tenant),
    })
}

/// Where a registration opens: that of another tenant or issuer doesn't.
fn place(tenant: &TenantSlug, issuer: &str) -> String {
    format!("client/{tenant}/{issuer}")
}
