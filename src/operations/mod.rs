//! What operators do, each once: the command line, the admin API and the console all come here.
//!
//! Whoever calls has decided who may do it; what may be done at all is decided here.

mod audit;
mod clients;
mod error;
mod grants;
mod keys;
mod operators;
mod policy;
mod provisioning;
mod tenants;
mod tools;
mod trial_token;
mod users;

use std::fmt;
use std::sync::Arc;

use crate::audit::{Checkpoints, change};
use crate::authorization_server::SigningKeys;
use crate::config::{FileTenant, TenantRules};
use crate::mcp::Dispatcher;
use crate::model::{
    Actor, Change, Clock, OperatorName, PublicUrl, Random, ScopeCatalogue, TenantSlug,
};
use crate::store::Store;
use crate::tenants::Tenants;

pub use audit::{AuditActor, AuditRecord};
pub use clients::{AddedClient, NewClient};
pub use error::OperationError;
pub use keys::{KeyState, ListedKey};
pub use operators::NewOperator;
pub use tenants::{TenantOverview, TenantState};
pub use tools::{ListedTool, ToolLock};
pub use users::NewUser;

/// What the audit log calls whoever uses the command line; no operator is called so.
const COMMAND_LINE: &str = "command line";

/// The operations, and what they are made of.
#[derive(Debug)]
pub struct Operations {
    /// Where everything is.
    pub store: Arc<dyn Store>,
    /// What tenants' documents are checked against.
    pub rules: TenantRules,
    /// The tenants of the configuration file.
    pub file_tenants: Vec<FileTenant>,
    /// Where the default tenant is.
    pub default_url: PublicUrl,
    /// The tenants in use at this process.
    pub tenants: Arc<Tenants>,
    /// What tokens are signed with.
    pub signing_keys: Arc<SigningKeys>,
    /// Signs and verifies audit logs.
    pub checkpoints: Arc<Checkpoints>,
    /// What is behind the gate, and the policy.
    pub dispatcher: Arc<Dispatcher>,
    /// The scopes that exist.
    pub catalogue: ScopeCatalogue,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Entropy for secrets and identifiers.
    pub random: Arc<dyn Random>,
}

impl Operations {
    /// A change that is about to be made, for the audit log of `tenant`.
    #[must_use]
    pub fn change(&self, by: &By, tenant: &TenantSlug) -> Change {
        let name = match by {
            By::CommandLine => COMMAND_LINE.to_owned(),
            By::Operator(name) => name.to_string(),
        };
        change(tenant, Actor::Operator(name), &*self.clock)
    }
}

/// Who does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Whoever can run commands on this machine.
    CommandLine,
    /// An operator with a token.
    Operator(OperatorName),
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::Operator(name) => write!(f, "operator {name}"),
        }
    }
}
