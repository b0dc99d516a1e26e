//! What operators have in hand: the tenants' keys, the operations, the admin listener's context.

use std::sync::Arc;

use crate::admin;
use crate::authorization_server::SigningKeys;
use crate::config::Config;
use crate::jose::{KeyCipher, KeyRings};
use crate::model::Clock;
use crate::operations::Operations;
use crate::store::Store;
use crate::telemetry::{Figures, History};

/// The keys of all tenants.
pub(super) fn signing_keys(
    config: &Config,
    store: &Arc<dyn Store>,
    cipher: KeyCipher,
    rings: &Arc<KeyRings>,
    clock: &Arc<dyn Clock>,
) -> Arc<SigningKeys> {
    Arc::new(SigningKeys {
        store: Arc::clone(store),
        cipher,
        rings: Arc::clone(rings),
        clock: Arc::clone(clock),
        algorithm: config.keys.algorithm,
        rotate_every: config.keys.rotate_every,
        publish_ahead: config.keys.publish_ahead,
    })
}

/// What the admin API and the console share.
pub(super) fn context(
    config: &Config,
    operations: &Arc<Operations>,
    figures: &Arc<Figures>,
) -> Arc<admin::Context> {
    Arc::new(admin::Context {
        operations: Arc::clone(operations),
        figures: Arc::clone(figures),
        history: Arc::new(History::new(Arc::clone(figures))),
        url: config.server.admin_url.clone(),
    })
}
