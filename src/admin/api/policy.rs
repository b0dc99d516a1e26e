//! What a tenant's roles and scopes allow, and what its callers did with that.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ApiError;
use super::exchange::{Query, Reply};
use crate::admin::Context;
use crate::admin::seat::{SeatAt, Viewer};
use crate::model::{ClientId, ScopeSet, UserId};
use crate::resource_server::Operation;
use crate::telemetry::Figure;

/// What is allowed at a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Policy {
    /// What the holders of each role may be granted, with everything that those scopes imply.
    roles: BTreeMap<String, Vec<String>>,
    /// What each scope is.
    scopes: BTreeMap<String, ScopeLine>,
}

/// A scope.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ScopeLine {
    /// What it lets a client do.
    description: String,
    /// The scopes that come with it.
    implies: Vec<String>,
}

/// What this process counted since its start.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FiguresView {
    /// Counters by name.
    counters: BTreeMap<String, u64>,
}

pub(super) async fn read(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
) -> Result<Reply<Policy>, ApiError> {
    let catalogue = &context.operations.catalogue;
    let names = |scopes: &ScopeSet| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let roles = seat.tenant.roles.iter();
    let roles = roles.map(|(name, role)| (name.clone(), names(&catalogue.expand(&role.scopes))));
    let all = catalogue.all();
    let scopes = all.iter().filter_map(|scope| {
        let definition = catalogue.get(scope)?;
        let line = ScopeLine {
            description: definition.description.clone(),
            implies: names(&definition.implies),
        };
        Some((scope.to_string(), line))
    });
    Ok(Reply(Policy {
        roles: roles.collect(),
        scopes: scopes.collect(),
    }))
}

/// What to explain: one of `tool`, `resource` and `prompt`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExplainQuery {
    /// The account's identifier.
    user: String,
    /// The name of a tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    tool: Option<String>,
    /// The URI of a resource, or a URI template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    resource: Option<String>,
    /// The name of a prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    prompt: Option<String>,
    /// The identifier of the client that the person would use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    client: Option<String>,
}

pub(super) async fn explain(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<ExplainQuery>,
) -> Result<Reply<Map<String, Value>>, ApiError> {
    let operations = &context.operations;
    let operation = match (query.tool, query.resource, query.prompt) {
        (Some(name), None, None) => Operation::CallTool(name),
        (None, Some(uri), None) => Operation::ReadResource(uri),
        (None, None, Some(name)) => Operation::GetPrompt(name),
        _ => {
            return Err(ApiError::Parameter {
                field: "tool",
                expected: "one of tool, resource and prompt",
            });
        }
    };
    let user = UserId::new(query.user);
    let user = operations.find_user(&seat.tenant.slug, &user).await?;
    let client = query.client.map(ClientId::new);
    let explained = operations.explain(&seat.tenant, user, client.as_ref(), operation);
    let explanation = serde_json::to_value(explained.await?).unwrap_or_default();
    Ok(Reply(explanation.as_object().cloned().unwrap_or_default()))
}

pub(super) async fn figures(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
) -> Result<Reply<FiguresView>, ApiError> {
    let slug = &seat.tenant.slug;
    let counters = Figure::ALL.into_iter();
    let counters =
        counters.map(|figure| (figure.name().to_owned(), context.figures.read(slug, figure)));
    Ok(Reply(FiguresView {
        counters: counters.collect(),
    }))
}
