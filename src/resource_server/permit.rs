//! Authorization as a value: a [`Permit`] comes from [`Policy::permit`] and from nowhere else.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::{
    ClientId, Principal, RefusalDialect, Requirement, Scope, ScopeCatalogue, ScopeSet, Tenant,
    Timestamp, UserId, Visibility,
};

/// What a request is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Talk about the protocol or list what there is: open to every principal of the tenant.
    Converse,
    /// Call the tool of this name.
    CallTool(String),
    /// Read the resource of this URI.
    ReadResource(String),
    /// Render the prompt of this name.
    GetPrompt(String),
}

/// Proof that a principal may do one operation. A backend can't be called without one.
#[derive(Clone, Debug)]
pub struct Permit {
    tenant: Arc<Tenant>,
    principal: Arc<Principal>,
    operation: Operation,
}

/// Which scopes every operation needs: that of all tools, resources or prompts, and those that the
/// tenant's rules name beside it.
#[derive(Debug)]
pub struct Policy {
    catalogue: ScopeCatalogue,
    every_tool: ScopeSet,
    every_resource: ScopeSet,
    every_prompt: ScopeSet,
}

/// Why there is no permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token lacks scopes; here are all that the operation needs (RFC 6750 §3.1).
    InsufficientScope {
        /// Every scope that the operation needs, those that the token has among them.
        required: ScopeSet,
    },
    /// To this principal the thing does not exist.
    Unknown,
}

impl Permit {
    /// Whom it was given to, to be kept.
    #[must_use]
    pub fn caller(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Where it holds.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    /// Whom it was given to.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whom it was given to, for what outlives it.
    #[must_use]
    pub fn holder(&self) -> Arc<Principal> {
        Arc::clone(&self.principal)
    }

    /// What it allows.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }
}

impl Policy {
    /// The policy over these scopes.
    #[must_use]
    pub fn new(catalogue: ScopeCatalogue) -> Self {
        let one = |name: &str| name.parse::<Scope>().into_iter().collect();
        Self {
            catalogue,
            every_tool: one("mcp:tools"),
            every_resource: one("mcp:resources"),
            every_prompt: one("mcp:prompts"),
        }
    }

    /// The scopes that exist.
    #[must_use]
    pub fn catalogue(&self) -> &ScopeCatalogue {
        &self.catalogue
    }

    /// Lets `principal` do `operation` at `tenant`, or says why not.
    pub fn permit(
        &self,
        tenant: &Arc<Tenant>,
        principal: &Arc<Principal>,
        operation: Operation,
    ) -> Result<Permit, Refusal> {
        // Whoever speaks for one tenant is nobody at another.
        if principal.tenant != tenant.slug {
            return Err(Refusal::Unknown);
        }
        let (required, visibility) = self.requirement(tenant, &operation);
        if principal.scopes.is_superset(&required) {
            return Ok(Permit {
                tenant: Arc::clone(tenant),
                principal: Arc::clone(principal),
                operation,
            });
        }
        match visibility {
            Visibility::Discoverable => Err(Refusal::InsufficientScope { required }),
            Visibility::Hidden => Err(Refusal::Unknown),
        }
    }

    /// True when the holder of `permit` may know that there is such an operation: what a listing
    /// shows.
    #[must_use]
    pub fn lists(&self, permit: &Permit, operation: &Operation) -> bool {
        let (required, visibility) = self.requirement(&permit.tenant, operation);
        visibility == Visibility::Discoverable || permit.principal.scopes.is_superset(&required)
    }

    /// Every scope that `operation` needs at `tenant`, and what those without them see.
    #[must_use]
    pub fn requirement(&self, tenant: &Tenant, operation: &Operation) -> (ScopeSet, Visibility) {
        let rules = &tenant.access;
        let (base, own, server) = match operation {
            Operation::Converse => return (ScopeSet::default(), Visibility::Discoverable),
            Operation::CallTool(name) => {
                let own = rules.tools.get(name).map(Cow::Borrowed);
                (&self.every_tool, own, rules.of_server_named(name))
            }
            Operation::ReadResource(uri) => {
                let own = Cow::<Requirement>::Owned(rules.of_resource(uri));
                (&self.every_resource, Some(own), rules.of_server_at(uri))
            }
            Operation::GetPrompt(name) => {
                let own = rules.prompts.get(name).map(Cow::Borrowed);
                (&self.every_prompt, own, rules.of_server_named(name))
            }
        };
        let base = base.union(&server);
        match own {
            Some(own) => (base.union(&own.scopes), own.visibility),
            None => (base, Visibility::default()),
        }
    }
}

/// The caller on this machine's own stdin: whoever can start the process owns its configuration,
/// so every scope is theirs.
#[must_use]
pub fn local_principal(tenant: &Tenant, catalogue: &ScopeCatalogue) -> Principal {
    Principal {
        tenant: tenant.slug.clone(),
        user: UserId::new("local"),
        client: ClientId::new("stdio"),
        grant: None,
        key: None,
        refusals: RefusalDialect::Http,
        scopes: catalogue.all(),
        issued_at: Timestamp::from_seconds(i64::MAX),
        expires_at: Timestamp::from_seconds(i64::MAX),
    }
}
