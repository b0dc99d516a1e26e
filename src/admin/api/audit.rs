//! `/admin/v1/tenants/{tenant}/audit`.

use std::sync::Arc;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Described, StatusCode as Code};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ApiError;
use super::exchange::{Query, Reply};
use super::paging::{Listing, Wanted, after_number};
use crate::admin::Context;
use crate::admin::seat::{SeatAt, Viewer};
use crate::model::TenantSlug;
use crate::operations::{AuditRecord, OperationError, Operations};
use crate::store::AuditQuery;

/// Which entries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EntryQuery {
    /// Those of an event, or of a group of them: `token.issued`, `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    event: Option<String>,
    /// Those that went so: `success`, `refused`, `failed` or `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    outcome: Option<String>,
    /// Those that this identifier or operator did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    actor: Option<String>,
    /// Those that concern the account of this identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    user: Option<String>,
    /// Those that concern the client of this identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    client: Option<String>,
    /// Those that concern the grant of this identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    grant: Option<String>,
    /// Those of the request of this identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    request: Option<String>,
    /// From this moment on (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    since: Option<String>,
    /// Until this moment (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    until: Option<String>,
    /// How many items, 1 to 200; 50 without it. An export has all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    limit: Option<String>,
    /// Where it begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

/// 200 with records, one on each line.
pub(super) struct Lines(Body);

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<EntryQuery>,
) -> Result<Reply<Listing<AuditRecord>>, ApiError> {
    let wanted = Wanted::read(query.limit.as_deref(), query.cursor.as_deref())?;
    let page = wanted.page();
    let query = AuditQuery {
        after: after_number(page.after)?,
        newest_first: true,
        limit: Some(i64::from(page.limit)),
        ..query.read()?
    };
    let read = context.operations.read_audit(&seat.tenant.slug, &query);
    let (items, next) = wanted.cut_by(read.await?, |record| record.sequence.to_string());
    Ok(Reply(Listing { items, next }))
}

pub(super) async fn export(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
    Query(query): Query<EntryQuery>,
) -> Result<Lines, ApiError> {
    let tenant = seat.tenant.slug.clone();
    let operations = Arc::clone(&context.operations);
    let first = Some((operations, tenant, query.read()?));
    let pages = stream::try_unfold(first, |at| async move {
        let Some((operations, tenant, mut query)) = at else {
            return Ok::<_, OperationError>(None);
        };
        let (page, last) = read_lines(&operations, &tenant, &query).await?;
        let next = last.map(|last| {
            query.after = Some(last);
            (operations, tenant, query)
        });
        Ok(Some((page, next)))
    });
    Ok(Lines(Body::from_stream(pages)))
}

async fn read_lines(
    operations: &Operations,
    tenant: &TenantSlug,
    query: &AuditQuery,
) -> Result<(Bytes, Option<i64>), OperationError> {
    let records = operations.read_audit(tenant, query).await?;
    let mut lines = Vec::new();
    for record in &records {
        // A record is text and numbers, so that it can be written.
        if serde_json::to_writer(&mut lines, record).is_ok() {
            lines.push(b'\n');
        }
    }
    let last = records.last().map(|record| record.sequence);
    Ok((lines.into(), last))
}

impl EntryQuery {
    fn read(&self) -> Result<AuditQuery, ApiError> {
        Ok(AuditQuery {
            since_ms: moment("since", self.since.as_deref())?,
            until_ms: moment("until", self.until.as_deref())?,
            event: self.event.clone(),
            outcome: self.outcome.clone(),
            actor: self.actor.clone(),
            user: self.user.clone(),
            client: self.client.clone(),
            grant: self.grant.clone(),
            request: self.request.clone(),
            ..AuditQuery::default()
        })
    }
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<i64>, ApiError> {
    let moment = text.map(str::parse::<jiff::Timestamp>).transpose();
    let moment = moment.map_err(|_| ApiError::Parameter {
        field,
        expected: "a time as in RFC 3339: 2026-01-01T00:00:00Z",
    })?;
    Ok(moment.map(jiff::Timestamp::as_millisecond))
}

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.0);
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "application/jsonl"),
            (CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
            (CACHE_CONTROL, "no-store"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl OperationOutput for Lines {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<Code>, Described)> {
        let lines = Described {
            description: "Records as listAudit has them, oldest first, one on each line".to_owned(),
            content: [("application/jsonl".to_owned(), MediaType::default())]
                .into_iter()
                .collect(),
            ..Default::default()
        };
        vec![(Some(Code::Code(200)), lines)]
    }
}
