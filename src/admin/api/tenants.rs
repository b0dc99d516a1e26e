//! `/admin/v1/tenants`.

use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ApiError;
use super::exchange::{Body, Created, Done, Query, Reply};
use super::paging::{Listing, PageQuery};
use crate::admin::Context;
use crate::admin::seat::{Admin, HighSeat, Seat, SeatAt, Viewer};
use crate::model::{PublicUrl, Tenant, TenantSlug};
use crate::operations::{OperationError, TenantOverview};
use crate::web::rfc3339;

/// A tenant in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TenantOverview")]
pub(super) struct TenantLine {
    /// Its short name.
    slug: String,
    /// Its address, the issuer of its tokens.
    public_url: String,
    /// Who says what it is: `file` or `operator`.
    origin: String,
    /// `active`, `inactive` (no longer in the file) or `waiting` (for the next start).
    state: String,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<String>,
}

/// A tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tenant")]
pub(super) struct TenantView {
    /// Its short name.
    slug: String,
    /// Its address, the issuer of its tokens.
    public_url: String,
    /// The address of its MCP endpoint.
    resource: String,
    /// What is said about it, in the form of the configuration's `[[tenants]]`. Secrets are named
    /// there, never told.
    settings: Map<String, Value>,
    /// How many accounts it has.
    users: i64,
    /// How many registered clients it has.
    clients: i64,
    /// How many grants of it were not taken back.
    grants: i64,
}

/// A tenant to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTenant {
    /// Its short name: a-z, 0-9 and '-'.
    slug: String,
    /// Its address: an https origin, or an origin with a path.
    public_url: String,
    /// What else there is to say, in the form of the configuration's `[[tenants]]`.
    #[serde(default)]
    settings: Map<String, Value>,
}

/// What is to be said about a tenant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSettings {
    /// All of it, in the form of the configuration's `[[tenants]]`; what is missing gets its default.
    settings: Map<String, Value>,
}

impl From<TenantOverview> for TenantLine {
    fn from(tenant: TenantOverview) -> Self {
        Self {
            slug: tenant.slug.to_string(),
            public_url: tenant.public_url.to_string(),
            origin: tenant.origin.as_str().to_owned(),
            state: tenant.state.as_str().to_owned(),
            changed_at: tenant.changed_at.map(rfc3339),
        }
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: Seat<Viewer>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Listing<TenantLine>>, ApiError> {
    let wanted = query.read()?;
    let mut tenants = context.operations.list_tenants().await?;
    tenants.retain(|tenant| seat.operator.sees(&tenant.slug));
    tenants.sort_by(|one, other| one.slug.cmp(&other.slug));
    let after = wanted.page().after;
    tenants.retain(|tenant| after.is_none_or(|after| tenant.slug.as_str() > after));
    let (items, next) = wanted.cut(tenants, |tenant| tenant.slug.as_str());
    let items = items.into_iter().map(TenantLine::from).collect();
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn add(
    State(context): State<Arc<Context>>,
    seat: HighSeat<Admin>,
    Body(new): Body<NewTenant>,
) -> Result<Created<TenantView>, ApiError> {
    let operations = &context.operations;
    let slug: TenantSlug = parse("slug", &new.slug)?;
    let public_url: PublicUrl = parse("public_url", &new.public_url)?;
    let settings = operations.read_settings(new.settings.into(), (&slug, &public_url))?;
    let added = operations.add_tenant(&seat.by, (&slug, &public_url), &settings);
    let tenant = added.await?;
    Ok(Created(view(&context, &tenant).await?))
}

pub(super) async fn read(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
) -> Result<Reply<TenantView>, ApiError> {
    Ok(Reply(view(&context, &seat.tenant).await?))
}

/// A document can name secrets of this machine, so that it is nothing for someone whose powers end
/// with one tenant.
pub(super) async fn replace(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Admin>,
    high: HighSeat<Admin>,
    Body(new): Body<NewSettings>,
) -> Result<Reply<TenantView>, ApiError> {
    let operations = &context.operations;
    let tenant = &seat.tenant;
    let place = (&tenant.slug, &tenant.public_url);
    let settings = operations.read_settings(new.settings.into(), place)?;
    let replaced = operations.replace_tenant(&high.by, tenant, &settings);
    let tenant = replaced.await?;
    Ok(Reply(view(&context, &tenant).await?))
}

pub(super) async fn remove(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Admin>,
    high: HighSeat<Admin>,
) -> Result<Done, ApiError> {
    let removed = context
        .operations
        .remove_tenant(&high.by, &seat.tenant.slug);
    removed.await?;
    Ok(Done)
}

async fn view(context: &Context, tenant: &Tenant) -> Result<TenantView, ApiError> {
    let settings = context.operations.tenant_settings(&tenant.slug).await?;
    let census = context.operations.tenant_census(&tenant.slug).await?;
    Ok(TenantView {
        slug: tenant.slug.to_string(),
        public_url: tenant.public_url.to_string(),
        resource: tenant.resource.as_str().to_owned(),
        settings: settings.as_object().cloned().unwrap_or_default(),
        users: census.users,
        clients: census.clients,
        grants: census.grants,
    })
}

fn parse<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, ApiError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| {
        let rule = error.to_string();
        OperationError::Invalid { field, rule }.into()
    })
}
