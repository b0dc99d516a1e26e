//! `/admin/v1/tenants/{tenant}/grants`.

use std::sync::Arc;

use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::exchange::{Done, Query, Reply};
use super::paging::{Listing, Wanted};
use crate::admin::Context;
use crate::admin::seat::{Changer, SeatAt, Viewer};
use crate::model::{ClientId, Grant, GrantId, Timestamp, UserId};
use crate::store::{GrantFilter, LiveGrant};
use crate::web::rfc3339;

/// Which grant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GrantPath {
    /// The grant's identifier.
    grant: String,
}

/// Which grants.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GrantQuery {
    /// Those that the account of this identifier gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    user: Option<String>,
    /// Those that the client of this identifier was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    client: Option<String>,
    /// How many items, 1 to 200; 50 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    limit: Option<String>,
    /// Where it begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

/// What a person allowed a client.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
pub(super) struct GrantView {
    /// Its identifier.
    id: String,
    /// The account that gave it.
    user: String,
    /// The client that it was given to.
    client: String,
    /// What it allows.
    scopes: Vec<String>,
    /// Where it allows that.
    resource: String,
    /// When it was given.
    created_at: String,
    /// When a refresh token of it was last exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<String>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl GrantView {
    fn of(grant: &Grant, used_at: Option<Timestamp>) -> Self {
        Self {
            id: grant.id.to_string(),
            user: grant.user.to_string(),
            client: grant.client.to_string(),
            scopes: grant.scopes.iter().map(ToString::to_string).collect(),
            resource: grant.resource.as_str().to_owned(),
            created_at: rfc3339(grant.created_at),
            used_at: used_at.map(rfc3339),
            revoked_at: grant.revoked_at.map(rfc3339),
        }
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<GrantQuery>,
) -> Result<Reply<Listing<GrantView>>, ApiError> {
    let wanted = Wanted::read(query.limit.as_deref(), query.cursor.as_deref())?;
    let (user, client) = (query.user.map(UserId::new), query.client.map(ClientId::new));
    let filter = GrantFilter {
        user: user.as_ref(),
        client: client.as_ref(),
    };
    let slug = &seat.tenant.slug;
    let grants = context.operations.page_grants(slug, filter, wanted.page());
    let (items, next) = wanted.cut(grants.await?, |live| live.grant.id.as_str());
    let view = |LiveGrant { grant, used_at }: &LiveGrant| GrantView::of(grant, *used_at);
    let items = items.iter().map(view).collect();
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn read(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Path(path): Path<GrantPath>,
) -> Result<Reply<GrantView>, ApiError> {
    let id = GrantId::new(path.grant);
    let grant = context.operations.find_grant(&seat.tenant.slug, &id);
    Ok(Reply(GrantView::of(&grant.await?, None)))
}

pub(super) async fn revoke(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<GrantPath>,
) -> Result<Done, ApiError> {
    let id = GrantId::new(path.grant);
    let (operations, slug) = (&context.operations, &seat.tenant.slug);
    let grant = operations.find_grant(slug, &id).await?;
    operations.revoke_grant(&seat.by, slug, &grant).await?;
    Ok(Done)
}
