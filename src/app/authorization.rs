//! The context of the authorization server.

use std::sync::Arc;

use super::{egress, token_settings};
use crate::audit::Recorder;
use crate::authorization_server::Context;
use crate::config::Config;
use crate::identity::oidc::RelyingParty;
use crate::identity::{Accounts, FederatedAccounts};
use crate::jose::{IssuerKeys, KeyRings, TextCipher};
use crate::model::{Clock, EncryptionKey, Random};
use crate::store::Store;

/// What its endpoints share.
pub(super) fn context(
    (config, key): (&Config, &EncryptionKey),
    store: &Arc<dyn Store>,
    audit: Recorder,
    (key_rings, issuer_keys): (&Arc<KeyRings>, &Arc<IssuerKeys>),
    (clock, random): (&Arc<dyn Clock>, &Arc<dyn Random>),
) -> anyhow::Result<Context> {
    Ok(Context {
        store: Arc::clone(store),
        audit,
        documents: egress::open_documents(config, store, clock)?,
        key_rings: Arc::clone(key_rings),
        issuer_keys: Arc::clone(issuer_keys),
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        catalogue: config.scopes.catalogue.clone(),
        initial_scopes: config.scopes.initial.clone(),
        accounts: Accounts::new(
            Arc::clone(store),
            Arc::clone(clock),
            TextCipher::new(key, "browsers")?,
        ),
        federated: Arc::new(FederatedAccounts {
            store: Arc::clone(store),
            party: RelyingParty::new(Arc::clone(clock))?,
            cipher: TextCipher::new(key, "identity providers")?,
            clock: Arc::clone(clock),
            random: Arc::clone(random),
        }),
        tokens: token_settings(config),
    })
}
