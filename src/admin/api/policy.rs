//! What a tenant's roles and scopes allow, and what its callers did with that.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::ApiError;
use super::exchange::Reply;
use crate::admin::Context;
use crate::admin::seat::{SeatAt, Viewer};
use crate::model::ScopeSet;
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
