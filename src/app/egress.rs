//! What leaves the gateway on behalf of the authorization server, the resource server and those who
//! mounted servers.

use std::sync::Arc;
use std::time::Duration;

use crate::authorization_server::RemoteDocuments;
use crate::config::Config;
use crate::egress::{Client, GuardSettings, GuardedClient, Settings, SystemLookup, USER_AGENT};
use crate::jose::IssuerKeys;
use crate::model::Clock;
use crate::store::Store;

/// How long a request to an issuer may take. Whoever has to wait for one waits for three at most.
const ISSUER_DEADLINE: Duration = Duration::from_millis(2500);

/// What clients keep on the Web.
pub(super) fn open_documents(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<RemoteDocuments> {
    let (store, clock) = (Arc::clone(store), Arc::clone(clock));
    Ok(RemoteDocuments::new(store, clock, guarded(config)?))
}

/// The keys of other issuers, which operators configured.
pub(super) fn open_issuer_keys(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<IssuerKeys> {
    let client = Client::new(&Settings {
        connect_timeout: Duration::from_millis(1500),
        read_timeout: ISSUER_DEADLINE,
        total_timeout: ISSUER_DEADLINE,
        max_body: 256 * 1024,
        user_agent: USER_AGENT.to_owned(),
    })?;
    Ok(IssuerKeys::new(client, guarded(config)?, Arc::clone(clock)))
}

/// The token endpoints of mounted servers, which operators configured.
pub(super) fn open_token_endpoints() -> anyhow::Result<Client> {
    Ok(Client::new(&Settings {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(10),
        max_body: 64 * 1024,
        user_agent: USER_AGENT.to_owned(),
    })?)
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
