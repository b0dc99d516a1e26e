//! `/admin/v1/tenants/{tenant}/tools`: the tools of mounted servers.

use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ApiError;
use super::exchange::{Body, Done, Query, Reply};
use super::paging::{Listing, PageQuery};
use crate::admin::Context;
use crate::admin::seat::{Admin, SeatAt, Viewer};
use crate::model::{Digest, ToolDefinition};
use crate::operations::{ListedTool, OperationError};
use crate::web::rfc3339;

/// A tool of a mounted server, as it is on record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ServerTool")]
pub(super) struct ToolView {
    /// The server's name.
    server: String,
    /// The server's name for the tool, without prefix.
    tool: String,
    /// `approved`, `changed` and `new` (an operator decides), `refused` (it hides text) or `missing`
    /// (the server does not list it).
    state: String,
    /// What becomes of changes: `pass`, `warn` or `withhold`; absent where the tenant no longer has
    /// the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_changes: Option<String>,
    /// The digest that an approval names: of what is offered, or else of what is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// What is different, a sentence each.
    differences: Vec<String>,
    /// What was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<Map<String, Value>>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<String>,
    /// By which operator; absent where it was there when the server was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    /// What the server offers, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    offered: Option<Map<String, Value>>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    offered_at: Option<String>,
}

/// Which tools.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ToolsQuery {
    /// The server's name; all of them without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    server: Option<String>,
    /// How many items, 1 to 200; 50 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    limit: Option<String>,
    /// Where it begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

/// What is to be approved.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolApproval {
    /// The server's name.
    server: String,
    /// The server's name for the tool.
    tool: String,
    /// The digest of what was looked at.
    digest: String,
}

impl From<ListedTool> for ToolView {
    fn from(tool: ListedTool) -> Self {
        let members = |definition: &ToolDefinition| definition.members().clone();
        let record = &tool.record;
        Self {
            state: record.state().as_str().to_owned(),
            tool_changes: tool.policy.map(|policy| policy.as_str().to_owned()),
            digest: tool.digest().map(|digest| digest.to_hex()),
            differences: tool.differences(),
            approved: record.approved.as_ref().map(members),
            approved_at: record.approved_at.map(rfc3339),
            approved_by: record.approved_by.clone(),
            offered: record.offered.as_ref().map(members),
            offered_at: record.offered_at.map(rfc3339),
            tool: record.name.clone(),
            server: tool.server,
        }
    }
}

/// A tool's place in the list of all.
pub(crate) fn place(tool: &ListedTool) -> String {
    format!("{}/{}", tool.server, tool.record.name)
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<ToolsQuery>,
) -> Result<Reply<Listing<ToolView>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let wanted = page.read()?;
    let operations = &context.operations;
    let mut tools = operations
        .list_tools(&seat.tenant, query.server.as_deref())
        .await?;
    tools.sort_by_key(place);
    let after = wanted.page().after;
    tools.retain(|tool| after.is_none_or(|after| place(tool).as_str() > after));
    let (items, next) = wanted.cut_by(tools, place);
    let items = items.into_iter().map(ToolView::from).collect();
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn approve(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Admin>,
    Body(approval): Body<ToolApproval>,
) -> Result<Done, ApiError> {
    let digest = Digest::from_hex(&approval.digest).ok_or(OperationError::Invalid {
        field: "digest",
        rule: "64 digits, as the list of tools has them".to_owned(),
    })?;
    let tool = (approval.server.as_str(), approval.tool.as_str());
    let operations = &context.operations;
    operations
        .approve_tool(&seat.by, &seat.tenant, tool, &digest)
        .await?;
    Ok(Done)
}
