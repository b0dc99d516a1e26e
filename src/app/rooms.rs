//! The contexts of the rooms, each from the configuration and from what all of them stand on.

use std::sync::Arc;

use super::WeatherSource;
use super::egress;
use super::ground::Ground;
use super::kept::Kept;
use crate::audit::{Checkpoints, Recorder};
use crate::authorization_server::{self, TokenSettings};
use crate::backends::remote::{Mounts, ToolLedger};
use crate::config::Config;
use crate::egress::SystemLookup;
use crate::identity::oidc::RelyingParty;
use crate::identity::{Accounts, FederatedAccounts, LinkedAccounts};
use crate::jose::{IssuerKeys, TextCipher};
use crate::mcp::Dispatcher;
use crate::middleware::authenticate;
use crate::middleware::request_id::{self, InFlight};
use crate::nws::{self, Nws};
use crate::operations::Operations;
use crate::resource_server::AccessTokens;
use crate::web::TrustedProxies;
use crate::{admin, scim};

pub(super) fn checkpoints(ground: &Ground) -> Checkpoints {
    Checkpoints {
        store: Arc::clone(&ground.store),
        rings: Arc::clone(&ground.key_rings),
        cipher: Arc::clone(&ground.cipher),
        clock: Arc::clone(&ground.clock),
    }
}

/// What is on record of the tools of mounted servers.
pub(super) fn ledger(ground: &Ground) -> ToolLedger {
    ToolLedger::new(Arc::clone(&ground.store), Arc::clone(&ground.clock))
}

/// How requests are named, and who may say where they come from.
pub(super) fn request_id(
    config: &Config,
    ground: &Ground,
    in_flight: &Arc<InFlight>,
) -> request_id::Context {
    let server = &config.server;
    request_id::Context {
        random: Arc::clone(&ground.random),
        figures: Arc::clone(&ground.figures),
        tracing: ground.telemetry.tracing(),
        in_flight: Arc::clone(in_flight),
        proxies: TrustedProxies::new(server.trusted_proxies.clone(), server.forwarded_header),
    }
}

pub(super) fn authenticate(
    config: &Config,
    ground: &Ground,
    issuer_keys: &Arc<IssuerKeys>,
    recorder: Recorder,
) -> authenticate::Context {
    authenticate::Context {
        tokens: access_tokens(config, ground, issuer_keys),
        possession: Arc::clone(&ground.possession),
        initial_scopes: config.scopes.initial.clone(),
        recorder,
        meters: ground.figures.meters().clone(),
    }
}

pub(super) fn access_tokens(
    config: &Config,
    ground: &Ground,
    issuer_keys: &Arc<IssuerKeys>,
) -> Arc<AccessTokens> {
    Arc::new(AccessTokens::new(
        (Arc::clone(&ground.key_rings), Arc::clone(issuer_keys)),
        config.scopes.catalogue.clone(),
        Arc::clone(&ground.clock),
        Arc::clone(&ground.revocations),
    ))
}

pub(super) fn authorization_server(
    config: &Config,
    ground: &Ground,
    (issuer_keys, linked): (Arc<IssuerKeys>, &Arc<LinkedAccounts>),
    audit: Recorder,
) -> anyhow::Result<authorization_server::Context> {
    let Ground { store, clock, .. } = ground;
    Ok(authorization_server::Context {
        store: Arc::clone(store),
        audit,
        documents: egress::open_documents(config, ground)?,
        key_rings: Arc::clone(&ground.key_rings),
        issuer_keys,
        clock: Arc::clone(clock),
        random: Arc::clone(&ground.random),
        catalogue: config.scopes.catalogue.clone(),
        initial_scopes: config.scopes.initial.clone(),
        accounts: accounts(ground)?,
        federated: Arc::new(federated(ground)?),
        linked: Arc::clone(linked),
        tokens: TokenSettings {
            access_ttl: config.tokens.access_ttl,
            refresh_ttl: config.tokens.refresh_ttl,
            refresh_grace: config.tokens.refresh_grace,
        },
        limiter: Arc::clone(&ground.limiter),
        meters: ground.figures.meters().clone(),
    })
}

/// The people whom this database knows.
fn accounts(ground: &Ground) -> anyhow::Result<Accounts> {
    let cipher = TextCipher::new(&ground.key, "browsers")?;
    let (store, clock) = (Arc::clone(&ground.store), Arc::clone(&ground.clock));
    Ok(Accounts::new(store, clock, cipher))
}

/// The accounts that people link at mounted servers.
pub(super) fn linked(ground: &Ground) -> anyhow::Result<LinkedAccounts> {
    Ok(LinkedAccounts {
        store: Arc::clone(&ground.store),
        cipher: TextCipher::new(&ground.key, "linked accounts")?,
        lookup: Arc::new(SystemLookup),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
    })
}

/// The people whom identity providers know.
fn federated(ground: &Ground) -> anyhow::Result<FederatedAccounts> {
    Ok(FederatedAccounts {
        store: Arc::clone(&ground.store),
        party: RelyingParty::new(Arc::clone(&ground.clock), ground.figures.meters())?,
        cipher: TextCipher::new(&ground.key, "identity providers")?,
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
    })
}

pub(super) fn operations(config: &Config, kept: &Kept, dispatcher: &Arc<Dispatcher>) -> Operations {
    let Kept { ground, .. } = kept;
    Operations {
        store: Arc::clone(&ground.store),
        rules: config.tenant_rules.clone(),
        file_tenants: config.tenants.clone(),
        default_url: kept.public_url.clone(),
        tenants: Arc::clone(&ground.tenants),
        signing_keys: Arc::clone(&ground.signing_keys),
        checkpoints: Arc::clone(&kept.checkpoints),
        dispatcher: Arc::clone(dispatcher),
        catalogue: config.scopes.catalogue.clone(),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
    }
}

pub(super) fn admin(
    config: &Config,
    (ground, mounts): (&Ground, &Arc<Mounts>),
    operations: &Arc<Operations>,
) -> admin::Context {
    admin::Context {
        operations: Arc::clone(operations),
        figures: Arc::clone(&ground.figures),
        history: Arc::clone(&ground.history),
        mounts: Arc::clone(mounts),
        url: config.server.admin_url.clone(),
    }
}

pub(super) fn scim(ground: &Ground) -> scim::Context {
    scim::Context {
        store: Arc::clone(&ground.store),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
    }
}

pub(super) fn nws(config: &Config, source: WeatherSource, ground: &Ground) -> anyhow::Result<Nws> {
    let (clock, random) = (Arc::clone(&ground.clock), Arc::clone(&ground.random));
    if source == WeatherSource::Sample {
        return Ok(Nws::sample(clock, random));
    }
    let settings = nws::Settings {
        alerts_ttl: config.weather.cache_ttl,
        ..nws::Settings::new(config.weather.base_url.clone())
    };
    let identity = nws::egress_settings(config.weather.contact.as_deref());
    let client = crate::egress::Client::new(&identity)?;
    let client = client.watched(egress::watched(ground, "nws"));
    Ok(Nws::live(settings, client, clock, random))
}
