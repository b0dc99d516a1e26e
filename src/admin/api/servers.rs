//! `/admin/v1/tenants/{tenant}/servers`: the mounted servers, and how they do.

use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::ApiError;
use super::exchange::Reply;
use super::paging::Listing;
use crate::admin::Context;
use crate::admin::seat::{SeatAt, Viewer};
use crate::model::{Tenant, UpstreamPlace};

/// A mounted server, as the process that answers sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MountedServer")]
pub(crate) struct ServerView {
    /// Its name.
    pub(crate) name: String,
    /// What its names begin with.
    pub(crate) prefix: String,
    /// Its address, or the program that is started.
    pub(crate) place: String,
    /// `answers` (the last request, if with an error), `fails`, `left_alone` (it failed so often that nothing
    /// is sent there for up to a minute) or `unknown` (nothing was asked here in the last hour).
    pub(crate) health: &'static str,
}

/// The servers of the tenant, in the order of their listings.
pub(crate) fn servers_of(context: &Context, tenant: &Tenant) -> Vec<ServerView> {
    let health = context.mounts.health();
    let described = tenant.servers.all.iter();
    let views = described.map(|server| {
        let place = match &server.place {
            UpstreamPlace::Address(address) | UpstreamPlace::Api(address, _) => {
                address.url.to_string()
            }
            // Arguments may be secrets.
            UpstreamPlace::Process(process) => process.command.first().cloned().unwrap_or_default(),
        };
        let key = (tenant.slug.clone(), server.name.clone());
        ServerView {
            name: server.name.clone(),
            prefix: server.prefix.as_str().to_owned(),
            place,
            health: health.get(&key).map_or("unknown", |health| health.as_str()),
        }
    });
    views.collect()
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
) -> Result<Reply<Listing<ServerView>>, ApiError> {
    let items = servers_of(&context, &seat.tenant);
    Ok(Reply(Listing { items, next: None }))
}
