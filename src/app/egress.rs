//! What leaves the gateway on behalf of the authorization server, the resource server and those who
//! mounted servers.

use std::sync::Arc;
use std::time::Duration;

use super::ground::Ground;
use crate::authorization_server::RemoteDocuments;
use crate::config::Config;
use crate::egress::{
    Client, GuardSettings, GuardedClient, Settings, SystemLookup, USER_AGENT, Watched,
};
use crate::jose::IssuerKeys;

/// How long a request to an issuer may take. Whoever has to wait for one waits for three at most.
const ISSUER_DEADLINE: Duration = Duration::from_millis(2500);

/// What clients keep on the Web.
pub(super) fn open_documents(config: &Config, ground: &Ground) -> anyhow::Result<RemoteDocuments> {
    let (store, clock) = (Arc::clone(&ground.store), Arc::clone(&ground.clock));
    let client = guarded(config)?.watched(watched(ground, "client_document"));
    Ok(RemoteDocuments::new(store, clock, client))
}

/// The keys of other issuers, which operators configured.
pub(super) fn open_issuer_keys(config: &Config, ground: &Ground) -> anyhow::Result<IssuerKeys> {
    let watched = watched(ground, "issuer");
    let client = Client::new(&Settings {
        connect_timeout: Duration::from_millis(1500),
        read_timeout: ISSUER_DEADLINE,
        total_timeout: ISSUER_DEADLINE,
        max_body: 256 * 1024,
        user_agent: USER_AGENT.to_owned(),
    })?;
    let guarded = guarded(config)?.watched(watched.clone());
    let client = client.watched(watched);
    Ok(IssuerKeys::new(client, guarded, Arc::clone(&ground.clock)))
}

/// The token endpoints of mounted servers, which operators configured.
pub(super) fn open_token_endpoints(ground: &Ground) -> anyhow::Result<Client> {
    let client = Client::new(&Settings {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(10),
        max_body: 64 * 1024,
        user_agent: USER_AGENT.to_owned(),
    })?;
    Ok(client.watched(watched(ground, "token_endpoint")))
}

/// What measures requests to `peer`.
pub(super) fn watched(ground: &Ground, peer: &'static str) -> Watched {
    let meters = ground.figures.meters().clone();
    Watched { meters, peer }
}

fn guarded(config: &Config) -> anyhow::Result<GuardedClient> {
    let documents = &config.metadata_documents;
    let settings = GuardSettings {
        allow_private: documents.allow_private.clone(),
        allow_ports: documents.allow_ports.clone(),
        root_certificates: documents.root_certificates.clone(),
        max_body: documents.max_size,
        ..GuardSettings::default()
    };
    Ok(GuardedClient::new(&settings, Arc::new(SystemLookup))?)
}
