//! `/admin/v1/tenants/{tenant}/users`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::exchange::{Body, Created, Done, Query, Reply};
use super::paging::{Listing, PageQuery};
use crate::admin::Context;
use crate::admin::seat::{Changer, SeatAt, Viewer};
use crate::model::{Secret, User, UserId};
use crate::operations::NewUser;
use crate::web::rfc3339;

/// Which account.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct UserPath {
    /// The account's identifier.
    user: String,
}

/// An account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(super) struct UserView {
    /// Its identifier, the `sub` of its tokens.
    id: String,
    /// What the person types to sign in; unique within the tenant.
    username: String,
    /// The names of its roles.
    roles: BTreeSet<String>,
    /// The identity provider that it comes from; absent for a local account.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// The person's verified address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// What the person is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// True for one that is kept out.
    disabled: bool,
    /// When it was added.
    created_at: String,
}

/// A local account to add.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewUser")]
pub(super) struct NewUserBody {
    /// What the person will type to sign in.
    username: String,
    /// The names of its roles.
    roles: BTreeSet<String>,
    /// Its password, 8 to 1024 bytes.
    password: String,
}

/// Roles to have in place of the ones before.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoles {
    /// Their names.
    roles: BTreeSet<String>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username,
            roles: user.roles,
            provider: user.identity.map(|identity| identity.provider),
            email: user.email,
            display_name: user.display_name,
            disabled: user.disabled,
            created_at: rfc3339(user.created_at),
        }
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Listing<UserView>>, ApiError> {
    let wanted = query.read()?;
    let users = context
        .operations
        .page_users(&seat.tenant.slug, wanted.page());
    let (items, next) = wanted.cut(users.await?, |user| user.username.as_str());
    let items = items.into_iter().map(UserView::from).collect();
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn add(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Body(body): Body<NewUserBody>,
) -> Result<Created<UserView>, ApiError> {
    let password = Secret::new(body.password);
    let user = NewUser {
        username: body.username,
        roles: body.roles,
    };
    let added = context
        .operations
        .add_user(&seat.by, &seat.tenant, user, &password);
    Ok(Created(added.await?.into()))
}

pub(super) async fn read(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Path(path): Path<UserPath>,
) -> Result<Reply<UserView>, ApiError> {
    Ok(Reply(find(&context, &seat, path).await?.into()))
}

pub(super) async fn remove(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<UserPath>,
) -> Result<Done, ApiError> {
    let user = find(&context, &seat, path).await?;
    let removed = context
        .operations
        .remove_user(&seat.by, &seat.tenant.slug, &user);
    removed.await?;
    Ok(Done)
}

pub(super) async fn set_roles(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<UserPath>,
    Body(body): Body<NewRoles>,
) -> Result<Done, ApiError> {
    let user = find(&context, &seat, path).await?;
    let changed = context
        .operations
        .set_user_roles(&seat.by, &seat.tenant, &user, &body.roles);
    changed.await?;
    Ok(Done)
}

pub(super) async fn disable(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<UserPath>,
) -> Result<Done, ApiError> {
    set_disabled(&context, &seat, path, true).await
}

pub(super) async fn enable(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<UserPath>,
) -> Result<Done, ApiError> {
    set_disabled(&context, &seat, path, false).await
}

pub(super) async fn sign_out(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Changer>,
    Path(path): Path<UserPath>,
) -> Result<Done, ApiError> {
    let user = find(&context, &seat, path).await?;
    let done = context
        .operations
        .sign_out_user(&seat.by, &seat.tenant.slug, &user);
    done.await?;
    Ok(Done)
}

async fn set_disabled(
    context: &Context,
    seat: &SeatAt<Changer>,
    path: UserPath,
    disabled: bool,
) -> Result<Done, ApiError> {
    let user = find(context, seat, path).await?;
    let slug = &seat.tenant.slug;
    let changed = context
        .operations
        .set_user_disabled(&seat.by, slug, &user, disabled);
    changed.await?;
    Ok(Done)
}

async fn find<R>(context: &Context, seat: &SeatAt<R>, path: UserPath) -> Result<User, ApiError> {
    let id = UserId::new(path.user);
    Ok(context.operations.find_user(&seat.tenant.slug, &id).await?)
}
