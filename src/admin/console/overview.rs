//! The console's first page, and the first one of each tenant: how much there is, and how it moves.

use std::sync::Arc;

use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use http::header::REFRESH;
use http::{HeaderValue, StatusCode};

use super::pages::{self, Badge, OverviewPage, STYLE, TenantPage, TenantRow, Trouble};
use super::session::Visitor;
use super::sparkline;
use crate::admin::Context;
use crate::admin::api::servers_of;
use crate::admin::seat::visible_tenant;
use crate::model::TenantSlug;
use crate::operations::TenantState;
use crate::store::Census;
use crate::telemetry::Figure;

/// How often a page that is to be live is loaded again, in seconds.
const PULSE: HeaderValue = HeaderValue::from_static("5");

pub(super) async fn tenants(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    let is_live = is_live(query.as_deref());
    match rows(&context, &visitor).await {
        Ok(tenants) => {
            let page = OverviewPage {
                style: STYLE,
                visitor: Some(Badge::of(&visitor)),
                is_live,
                tenants,
            };
            beat(pages::show(StatusCode::OK, &page), is_live)
        }
        Err(trouble) => pages::refuse(Some(&visitor), &trouble),
    }
}

async fn rows(context: &Context, visitor: &Visitor) -> Result<Vec<TenantRow>, Trouble> {
    let mut rows = Vec::new();
    for tenant in context.operations.list_tenants().await? {
        if !visitor.operator.sees(&tenant.slug) {
            continue;
        }
        let is_open = tenant.state != TenantState::Inactive;
        let census = if is_open {
            context.operations.tenant_census(&tenant.slug).await?
        } else {
            Census::default()
        };
        rows.push(TenantRow {
            picture: picture(context, &tenant.slug),
            slug: tenant.slug.to_string(),
            public_url: tenant.public_url.to_string(),
            origin: match tenant.origin {
                crate::model::TenantOrigin::File => "from the file",
                crate::model::TenantOrigin::Operator => "added by an operator",
            },
            state: tenant.state.as_str(),
            is_open,
            census,
        });
    }
    Ok(rows)
}

pub(super) async fn tenant(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let is_live = is_live(query.as_deref());
    show(&context, &visitor, &slug, is_live)
        .await
        .unwrap_or_else(|trouble| pages::refuse(Some(&visitor), &trouble))
}

async fn show(
    context: &Context,
    visitor: &Visitor,
    slug: &str,
    is_live: bool,
) -> Result<Response, Trouble> {
    let tenant = visible_tenant(context, &visitor.operator, slug).await?;
    let settings = context.operations.tenant_settings(&tenant.slug).await?;
    let counters = Figure::ALL
        .into_iter()
        .map(|figure| (words(figure), context.figures.read(&tenant.slug, figure)));
    let page = TenantPage {
        style: STYLE,
        visitor: Some(Badge::of(visitor)),
        is_live,
        tabs: pages::tabs(""),
        census: context.operations.tenant_census(&tenant.slug).await?,
        counters: counters.collect(),
        picture: picture(context, &tenant.slug),
        servers: servers_of(context, &tenant),
        settings: serde_json::to_string_pretty(&settings).unwrap_or_default(),
        tenant: &tenant,
    };
    Ok(beat(pages::show(StatusCode::OK, &page), is_live))
}

fn picture(context: &Context, slug: &TenantSlug) -> String {
    let steps = |figure| context.history.steps(slug, figure);
    sparkline::draw(
        slug.as_str(),
        &steps(Figure::Requests),
        &steps(Figure::ScopeRefusals),
    )
}

/// The counter's name with spaces, and a capital at its beginning.
fn words(figure: Figure) -> &'static str {
    match figure {
        Figure::Requests => "Requests",
        Figure::ToolCalls => "Tool calls",
        Figure::ToolErrors => "Tool errors",
        Figure::ScopeRefusals => "Scope refusals",
        Figure::RateRefusals => "Rate refusals",
    }
}

fn is_live(query: Option<&str>) -> bool {
    query == Some("live=1")
}

/// Whoever asked for it has the page loaded again by itself; nobody else does.
fn beat(mut response: Response, is_live: bool) -> Response {
    if is_live {
        response.headers_mut().insert(REFRESH, PULSE);
    }
    response
}
