//! Groups: `/Groups` and `/Groups/{id}` (RFC 7644 §3).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::error::ScimError;
use super::{Context, attributes, body, filter, patch as operations, resource};
use crate::model::{GroupChange, ProvisionedGroup, ProvisioningSettings, Tenant, new_identifier};
use crate::store::GroupChanges;

type Settings = Extension<Arc<ProvisioningSettings>>;

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimError> {
    let listing = filter::read(query.as_deref(), "displayName")?;
    let found = context
        .store
        .list_provisioned_groups(&tenant.slug, &listing.query);
    let (total, groups) = found.await?;
    let groups = groups
        .iter()
        .map(|group| resource::group(&tenant, group, listing.with_members));
    let list = resource::list(total, listing.first, &groups.collect::<Vec<_>>());
    Ok(resource::answer(StatusCode::OK, &list))
}

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimError> {
    let listing = filter::read(query.as_deref(), "displayName")?;
    let found = context.store.find_provisioned_group(&tenant.slug, &id);
    show(&tenant, found.await?, listing.with_members)
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    request: Request,
) -> Result<Response, ScimError> {
    let group = read_new(&context, request).await?;
    let added = context
        .store
        .add_provisioned_group(&context.change(&tenant), &group, &settings)
        .await?;
    tracing::info!(group.id = %added.id, "a group was provisioned");
    Ok(resource::created(&resource::group(&tenant, &added, true)))
}

async fn read_new(context: &Context, request: Request) -> Result<ProvisionedGroup, ScimError> {
    let changes = attributes::of_group(&body::read(request).await?)?;
    let now = context.clock.now();
    let mut group = ProvisionedGroup {
        id: new_identifier(context.random.as_ref()),
        display_name: String::new(),
        external_id: None,
        members: BTreeSet::new(),
        created_at: now,
        changed_at: now,
    };
    for change in &changes {
        group.apply(change);
    }
    if group.display_name.is_empty() {
        return Err(ScimError::Value);
    }
    Ok(group)
}

pub(super) async fn put(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ScimError> {
    let body = body::read(request).await?;
    let named = attributes::of_group(&body)?;
    let has_name = |change: &GroupChange| matches!(change, GroupChange::DisplayName(_));
    if !named.iter().any(has_name) {
        return Err(ScimError::Value);
    }
    // RFC 7644 §3.5.1: what a whole group doesn't name, it has no longer.
    let mut changes = vec![
        GroupChange::ExternalId(None),
        GroupChange::Members(BTreeSet::new()),
    ];
    changes.extend(named);
    change((&context, &tenant), &settings, &id, &changes).await
}

pub(super) async fn patch(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ScimError> {
    let body = body::read(request).await?;
    let changes = operations::of_members(&body)?;
    change((&context, &tenant), &settings, &id, &changes).await
}

async fn change(
    (context, tenant): (&Context, &Tenant),
    settings: &ProvisioningSettings,
    id: &str,
    changes: &[GroupChange],
) -> Result<Response, ScimError> {
    let changes = GroupChanges { changes, settings };
    let outcome = context
        .store
        .change_provisioned_group(&context.change(tenant), id, changes)
        .await?;
    if let Some(group) = &outcome {
        tracing::info!(group.id = %group.id, "a group was changed");
    }
    show(tenant, outcome, true)
}

pub(super) async fn delete(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    Path(id): Path<String>,
) -> Result<Response, ScimError> {
    let change = context.change(&tenant);
    let removed = context
        .store
        .remove_provisioned_group(&change, &id, &settings);
    if !removed.await? {
        return Err(ScimError::NotFound);
    }
    tracing::info!("a group was removed");
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn show(
    tenant: &Tenant,
    group: Option<ProvisionedGroup>,
    with_members: bool,
) -> Result<Response, ScimError> {
    let group = group.ok_or(ScimError::NotFound)?;
    let body = resource::group(tenant, &group, with_members);
    Ok(resource::answer(StatusCode::OK, &body))
}
