//! `/admin/v1/tenants/{tenant}/clients`.

use std::sync::Arc;

use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::exchange::{Body, Created, Done, Query, Reply};
use super::paging::{Listing, PageQuery};
use crate::admin::Context;
use crate::admin::seat::{Changer, SeatAt, Viewer};
use crate::model::{Client, ClientId, GrantType, RedirectUri, Secret};
use crate::operations::{AddedClient, NewClient};
use crate::web::rfc3339;

/// Which client.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ClientPath {
    /// The client's identifier.
    client: String,
}

/// A registered client.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(super) struct ClientView {
    /// Its identifier.
    id: String,
    /// The name it gave itself, or an operator gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The home page it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    /// Where its users may be sent back to.
    redirect_uris: Vec<String>,
    /// How it authenticates at the token endpoint.
    token_endpoint_auth_method: String,
    /// The grants it may use.
    grant_types: Vec<String>,
    /// The scopes that it is limited to; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// When it was added.
    created_at: String,
}

/// A client that was just added.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AddedClient")]
pub(super) struct AddedClientView {
    /// Its secret, which can't be read again; absent where it is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The client.
    client: ClientView,
}

/// A client to add. Without a redirect URI it acts for itself, and needs scopes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewClient")]
pub(super) struct NewClientBody {
    /// What people read on the consent page.
    name: String,
    /// Where its users may be sent back to.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// True for one that can't keep a secret.
    #[serde(default)]
    public: bool,
    /// The most that it may ever have.
    #[serde(default)]
    scopes: Vec<String>,
    /// True for one that exchanges assertions of the tenant's identity providers (ID-JAG).
    #[serde(default)]
    identity_assertions: bool,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        let grant_types = client.grant_types.iter().copied().map(GrantType::as_str);
        let redirect_uris = client.redirect_uris.iter().map(RedirectUri::as_str);
        let scopes = client.scopes.as_ref();
        Self {
            id: client.id.to_string(),
            redirect_uris: redirect_uris.map(ToOwned::to_owned).collect(),
            token_endpoint_auth_method: client.auth_method.as_str().to_owned(),
            grant_types: grant_types.map(ToOwned::to_owned).collect(),
            scopes: scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect()),
            created_at: rfc3339(client.created_at),
            name: client.name,
            uri: client.uri,
        }
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Listing<ClientView>>, ApiError> {
    let wanted = query.read()?;
    let clients = context
        .operations
        .page_clients(&seat.tenant.slug, wanted.page());
    let (items, next) = wanted.cut(clients.await?, |client| client.id.as_str());
    let items = items.into_iter().map(ClientView::from).collect();
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn add(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Body(body): Body<NewClientBody>,
) -> Result<Created<AddedClientView>, ApiError> {
    let new = NewClient {
        name: body.name,
        redirect_uris: body.redirect_uris,
        public: body.public,
        scopes: body.scopes,
        identity_assertions: body.identity_assertions,
    };
    let added = context
        .operations
        .add_client(&seat.by, &seat.tenant.slug, &new);
    let AddedClient { client, secret } = added.await?;
    Ok(Created(AddedClientView {
        secret: secret.as_ref().map(Secret::expose).map(ToOwned::to_owned),
        client: client.into(),
    }))
}

pub(super) async fn read(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Path(path): Path<ClientPath>,
) -> Result<Reply<ClientView>, ApiError> {
    let id = ClientId::new(path.client);
    let client = context.operations.find_client(&seat.tenant.slug, &id);
    Ok(Reply(client.await?.into()))
}

pub(super) async fn remove(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<ClientPath>,
) -> Result<Done, ApiError> {
    let id = ClientId::new(path.client);
    let removed = context
        .operations
        .remove_client(&seat.by, &seat.tenant.slug, &id);
    removed.await?;
    Ok(Done)
}
