//! The tools of a tenant's mounted servers: what was approved, and what is offered instead.

use axum::response::Response;

use super::lists::{Asked, Kind, Part};
use super::pages::{Action, Cell, Row, Trouble};
use crate::admin::api::place_of_tool;
use crate::model::{Digest, OperatorRole};
use crate::operations::ListedTool;

const APPROVE: Action = Action {
    name: "Approve",
    value: "approve_tool",
    consequence: "Models read it as it is shown here, and people can call it, within seconds.",
};

pub(super) async fn show(asked: Asked) -> Response {
    let kind = Kind {
        path: "/tools",
        title: "Tools of mounted servers",
        columns: &["Server", "Tool", "What is different", "Digest"],
        role: OperatorRole::Admin,
        action: None,
    };
    asked.answer(kind, rows(&asked).await)
}

async fn rows(asked: &Asked) -> Result<Part, Trouble> {
    let wanted = asked.wanted()?;
    let operations = &asked.context.operations;
    let mut tools = operations.list_tools(&asked.tenant, None).await?;
    // What waits for a decision comes first.
    let place = |tool: &ListedTool| {
        let waits = if tool.waits() { '0' } else { '1' };
        format!("{waits}{}", place_of_tool(tool))
    };
    tools.sort_by_key(place);
    let after = wanted.page().after;
    tools.retain(|tool| after.is_none_or(|after| place(tool).as_str() > after));
    let (tools, next) = wanted.cut_by(tools, place);
    Ok((tools.into_iter().map(row).collect(), next))
}

fn row(tool: ListedTool) -> Row {
    let digest = tool.digest().map(|digest| digest.to_hex());
    let digest = digest.unwrap_or_default();
    let shown: String = digest.chars().take(12).collect();
    let waits = tool.waits();
    let mut told = tool.differences();
    if let (true, None, Some(offered)) = (waits, &tool.record.approved, &tool.record.offered) {
        told.push(format!("it is new: {}", offered.to_text()));
    }
    Row {
        id: format!("{}/{digest}/{}", tool.server, tool.record.name),
        label: format!("{} of {}", tool.record.name, tool.server),
        cells: vec![
            tool.server.into(),
            Cell {
                text: tool.record.name.clone(),
                link: None,
                tag: Some(tool.record.state().as_str()),
            },
            told.join("; ").into(),
            shown.into(),
        ],
        actions: if waits { vec![APPROVE] } else { vec![] },
    }
}

/// The server, the tool and the digest that a row's identifier names.
pub(super) fn read_id(id: &str) -> Option<(&str, &str, Digest)> {
    let (server, rest) = id.split_once('/')?;
    let (digest, tool) = rest.split_once('/')?;
    Some((server, tool, Digest::from_hex(digest)?))
}
