//! `/admin/v1/operators`, and who the caller is.

use std::sync::Arc;

use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::exchange::{Body, Created, Done, Query, Reply};
use super::paging::{Listing, PageQuery};
use crate::admin::Context;
use crate::admin::seat::{Admin, HighSeat, Seat, Viewer};
use crate::config::duration;
use crate::model::{Operator, OperatorRole};
use crate::operations::{NewOperator, OperationError};
use crate::web::rfc3339;

/// Which operator.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct OperatorPath {
    /// The operator's name.
    operator: String,
}

/// Someone who may use this API.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Operator")]
pub(super) struct OperatorView {
    /// Their name.
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// The one tenant that exists for them; absent where all do.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// When they were added.
    created_at: String,
    /// When their token ends; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// An operator who was just added.
#[derive(Serialize, JsonSchema)]
pub(super) struct AddedOperator {
    /// Their token, which can't be read again.
    token: String,
    /// The operator.
    operator: OperatorView,
}

/// An operator to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewOperator")]
pub(super) struct NewOperatorBody {
    /// Their name: a-z, 0-9, '-', '_' and '.'.
    name: String,
    /// What they may do.
    role: RoleName,
    /// The one tenant that exists for them; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    tenant: Option<String>,
    /// For how long the token is good, as in `12h` or `90d`; until it is removed without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    expires_in: Option<String>,
}

/// What an operator may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum RoleName {
    Viewer,
    Operator,
    Admin,
}

impl From<RoleName> for OperatorRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl From<Operator> for OperatorView {
    fn from(operator: Operator) -> Self {
        Self {
            name: operator.name.to_string(),
            role: operator.role.as_str().to_owned(),
            tenant: operator.tenant.map(|slug| slug.to_string()),
            created_at: rfc3339(operator.created_at),
            expires_at: operator.expires_at.map(rfc3339),
        }
    }
}

pub(super) async fn me(seat: Seat<Viewer>) -> Result<Reply<OperatorView>, ApiError> {
    Ok(Reply(seat.operator.into()))
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    _seat: HighSeat<Admin>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Listing<OperatorView>>, ApiError> {
    let wanted = query.read()?;
    let mut operators = context.operations.list_operators().await?;
    let after = wanted.page().after;
    operators.retain(|one| after.is_none_or(|after| one.name.as_str() > after));
    let (items, next) = wanted.cut(operators, |operator| operator.name.as_str());
    let items = items.into_iter().map(OperatorView::from).collect();
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn add(
    State(context): State<Arc<Context>>,
    seat: HighSeat<Admin>,
    Body(body): Body<NewOperatorBody>,
) -> Result<Created<AddedOperator>, ApiError> {
    let invalid = |field, rule: String| OperationError::Invalid { field, rule };
    let tenant = body.tenant.map(|slug| slug.parse()).transpose();
    let tenant = tenant
        .map_err(|error: crate::model::InvalidTenantSlug| invalid("tenant", error.to_string()))?;
    let lifetime = match body.expires_in.as_deref().map(duration) {
        Some(None) => {
            let rule = "a duration that ends in s, m, h or d, as in 90d";
            return Err(invalid("expires_in", rule.to_owned()).into());
        }
        Some(lifetime) => lifetime,
        None => None,
    };
    let new = NewOperator {
        name: body.name,
        role: body.role.into(),
        tenant,
        lifetime,
    };
    let (operator, token) = context.operations.add_operator(&seat.by, new).await?;
    Ok(Created(AddedOperator {
        token: token.expose().to_owned(),
        operator: operator.into(),
    }))
}

pub(super) async fn remove(
    State(context): State<Arc<Context>>,
    seat: HighSeat<Admin>,
    Path(path): Path<OperatorPath>,
) -> Result<Done, ApiError> {
    let removed = context.operations.remove_operator(&seat.by, &path.operator);
    removed.await?;
    Ok(Done)
}
