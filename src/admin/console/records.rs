//! What happened at a tenant, newest first: who was refused and why, and the whole audit log.

use std::sync::Arc;

use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use serde_json::Value;

use super::lists::{Asked, Kind, Part, list};
use super::pages::{Cell, Row, Trouble};
use super::session::Visitor;
use crate::admin::Context;
use crate::admin::api::after_number;
use crate::model::{ClientId, OperatorRole, UserId};
use crate::operations::AuditRecord;
use crate::store::AuditQuery;

const COLUMNS: &[&str] = &["Time", "Event", "Who", "On what", "Why", "Request"];

pub(super) async fn refusals(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let kind = Kind {
        path: "/refusals",
        title: "Refusals",
        columns: COLUMNS,
        role: OperatorRole::Admin,
        action: None,
    };
    let rows = async |asked: &Asked<'_>| rows(asked, Some("refused")).await;
    list((&context, &visitor), &slug, query, kind, rows).await
}

pub(super) async fn everything(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let kind = Kind {
        path: "/audit",
        title: "Audit log",
        columns: COLUMNS,
        role: OperatorRole::Admin,
        action: None,
    };
    let rows = async |asked: &Asked<'_>| rows(asked, None).await;
    list((&context, &visitor), &slug, query, kind, rows).await
}

async fn rows(asked: &Asked<'_>, outcome: Option<&str>) -> Result<Part, Trouble> {
    let wanted = asked.wanted()?;
    let page = wanted.page();
    let query = AuditQuery {
        after: after_number(page.after)?,
        newest_first: true,
        outcome: outcome.map(ToOwned::to_owned),
        limit: Some(i64::from(page.limit)),
        ..AuditQuery::default()
    };
    let operations = &asked.context.operations;
    let records = operations.read_audit(&asked.tenant.slug, &query).await?;
    let (records, next) = wanted.cut_by(records, |record| record.sequence.to_string());
    let mut rows = Vec::new();
    for record in records {
        let who = who(asked, &record).await?;
        rows.push(row(record, who));
    }
    Ok((rows, next))
}

/// People by the names that they have today.
async fn who(asked: &Asked<'_>, record: &AuditRecord) -> Result<String, Trouble> {
    let store = &asked.context.operations.store;
    let slug = &asked.tenant.slug;
    let name = record.actor.name.clone();
    let found = match (record.actor.kind.as_str(), &name) {
        ("user", Some(id)) => {
            let found = store.find_user(slug, &UserId::new(id)).await?;
            found.map(|user| user.username)
        }
        ("client", Some(id)) => {
            let found = store.find_client(slug, &ClientId::new(id)).await?;
            found.map(|client| client.display_name().to_owned())
        }
        _ => None,
    };
    Ok(match found.or(name) {
        Some(name) => format!("{} {name}", record.actor.kind),
        None => record.actor.kind.clone(),
    })
}

fn row(record: AuditRecord, who: String) -> Row {
    let tag = match record.outcome.as_str() {
        "refused" => Some("refused"),
        "failed" => Some("failed"),
        "cancelled" => Some("cancelled"),
        _ => None,
    };
    Row {
        id: record.sequence.to_string(),
        label: record.event.clone(),
        cells: vec![
            record.time.into(),
            Cell {
                text: record.event,
                link: None,
                tag,
            },
            who.into(),
            record.target.unwrap_or_default().into(),
            record
                .detail
                .as_ref()
                .map(reason)
                .unwrap_or_default()
                .into(),
            record.request.unwrap_or_default().into(),
        ],
        actions: vec![],
    }
}

/// What else the record says, as text.
fn reason(detail: &Value) -> String {
    let said = detail.as_object().into_iter().flatten();
    let said = said.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}: {text}"),
        None => format!("{name}: {value}"),
    });
    said.collect::<Vec<_>>().join("; ")
}
