//! People: `/Users` and `/Users/{id}` (RFC 7644 §3).

use std::sync::Arc;

use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::error::ScimError;
use super::{Context, attributes, body, filter, patch as operations, resource};
use crate::model::{
    ProvisionedUser, ProvisioningSettings, Tenant, UserChange, UserId, new_identifier,
};
use crate::store::UserChanges;

type Settings = Extension<Arc<ProvisioningSettings>>;

/// What a whole person says of those attributes that it doesn't name (RFC 7644 §3.5.1).
const NOTHING: [UserChange; 6] = [
    UserChange::ExternalId(None),
    UserChange::FormattedName(None),
    UserChange::GivenName(None),
    UserChange::FamilyName(None),
    UserChange::DisplayName(None),
    UserChange::Email(None),
];

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimError> {
    let listing = filter::read(query.as_deref(), "userName")?;
    let found = context
        .store
        .list_provisioned_users(&tenant.slug, &listing.query);
    let (total, users) = found.await?;
    let users = users.iter().map(|user| resource::user(&tenant, user));
    let list = resource::list(total, listing.first, &users.collect::<Vec<_>>());
    Ok(resource::answer(StatusCode::OK, &list))
}

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
) -> Result<Response, ScimError> {
    let id = UserId::new(id);
    let found = context.store.find_provisioned_user(&tenant.slug, &id);
    show(&tenant, found.await?)
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    request: Request,
) -> Result<Response, ScimError> {
    let user = read_new(&context, request).await?;
    let added = context
        .store
        .provision_user(&context.change(&tenant), &user, &settings)
        .await?;
    tracing::info!(user.id = %added.id, "a person was provisioned");
    Ok(resource::created(&resource::user(&tenant, &added)))
}

/// A person as they are added: with a name, and active unless said otherwise.
async fn read_new(context: &Context, request: Request) -> Result<ProvisionedUser, ScimError> {
    let changes = attributes::of_user(&body::read(request).await?)?;
    let now = context.clock.now();
    let mut user = ProvisionedUser {
        id: UserId::new(new_identifier(context.random.as_ref())),
        user_name: String::new(),
        external_id: None,
        formatted_name: None,
        given_name: None,
        family_name: None,
        display_name: None,
        email: None,
        active: true,
        created_at: now,
        changed_at: now,
    };
    for change in &changes {
        user.apply(change);
    }
    if user.user_name.is_empty() {
        return Err(ScimError::Value);
    }
    Ok(user)
}

pub(super) async fn put(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ScimError> {
    let body = body::read(request).await?;
    let named = attributes::of_user(&body)?;
    let has_name = |change: &UserChange| matches!(change, UserChange::UserName(_));
    if !named.iter().any(has_name) {
        return Err(ScimError::Value);
    }
    let changes: Vec<UserChange> = NOTHING.into_iter().chain(named).collect();
    change((&context, &tenant), &settings, id, &changes).await
}

pub(super) async fn patch(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(settings): Settings,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ScimError> {
    let body = body::read(request).await?;
    let changes = operations::of_person(&body)?;
    change((&context, &tenant), &settings, id, &changes).await
}

async fn change(
    (context, tenant): (&Context, &Tenant),
    settings: &ProvisioningSettings,
    id: String,
    changes: &[UserChange],
) -> Result<Response, ScimError> {
    let changes = UserChanges { changes, settings };
    let outcome = context
        .store
        .change_provisioned_user(&context.change(tenant), &UserId::new(id), changes)
        .await?;
    if let Some(user) = &outcome {
        tracing::info!(user.id = %user.id, user.active = user.active, "a person was changed");
    }
    show(tenant, outcome)
}

pub(super) async fn delete(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
) -> Result<Response, ScimError> {
    let id = UserId::new(id);
    let change = context.change(&tenant);
    let removed = context.store.remove_provisioned_user(&change, &id);
    if !removed.await? {
        return Err(ScimError::NotFound);
    }
    tracing::info!("a person was removed");
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn show(tenant: &Tenant, user: Option<ProvisionedUser>) -> Result<Response, ScimError> {
    let user = user.ok_or(ScimError::NotFound)?;
    let body = resource::user(tenant, &user);
    Ok(resource::answer(StatusCode::OK, &body))
}
