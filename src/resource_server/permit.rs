//! Authorization as a value: a [`Permit`] comes from [`Policy::permit`] and from nowhere else.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{
    ClientId, Principal, Requirement, Scope, ScopeCatalogue, ScopeSet, Tenant, Timestamp, UserId,
    Visibility,
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
    principal: Arc<Principal>,
    operation: Operation,
}

/// Which scopes every operation needs.
#[derive(Debug)]
pub struct Policy {
    catalogue: ScopeCatalogue,
    tools: HashMap<String, Requirement>,
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
    /// The policy with these requirements of single tools.
    #[must_use]
    pub fn new(catalogue: ScopeCatalogue, tools: HashMap<String, Requirement>) -> Self {
        let one = |name: &str| name.parse::<Scope>().into_iter().collect();
        Self {
            catalogue,
            tools,
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

    /// Lets `principal` do `operation`, or says why not.
    pub fn permit(
        &self,
        principal: &Arc<Principal>,
        operation: Operation,
    ) -> Result<Permit, Refusal> {
        let required = self.required(&operation);
        if principal.scopes.is_superset(&required) {
            return Ok(Permit {
                principal: Arc::clone(principal),
                operation,
            });
        }
        match self.visibility(&operation) {
            Visibility::Discoverable => Err(Refusal::InsufficientScope { required }),
            Visibility::Hidden => Err(Refusal::Unknown),
        }
    }

    /// True when `principal` may know that there is such an operation: what a listing shows.
    #[must_use]
    pub fn lists(&self, principal: &Principal, operation: &Operation) -> bool {
        self.visibility(operation) == Visibility::Discoverable
            || principal.scopes.is_superset(&self.required(operation))
    }

    fn required(&self, operation: &Operation) -> ScopeSet {
        match operation {
            Operation::Converse => ScopeSet::default(),
            Operation::CallTool(name) => match self.tools.get(name) {
                Some(requirement) => self.every_tool.union(&requirement.scopes),
                None => self.every_tool.clone(),
            },
            Operation::ReadResource(_) => self.every_resource.clone(),
            Operation::GetPrompt(_) => self.every_prompt.clone(),
        }
    }

    fn visibility(&self, operation: &Operation) -> Visibility {
        match operation {
            Operation::CallTool(name) => self
                .tools
                .get(name)
                .map(|found| found.visibility)
                .unwrap_or_default(),
            Operation::Converse | Operation::ReadResource(_) | Operation::GetPrompt(_) => {
                Visibility::Discoverable
            }
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
        scopes: catalogue.all(),
        issued_at: Timestamp::from_seconds(i64::MAX),
        expires_at: Timestamp::from_seconds(i64::MAX),
    }
}
