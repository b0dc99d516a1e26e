//! What is said about one tenant: the same document in the configuration file, in the database and
//! in the hands of an operator.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::{AccessEntry, AccessTables};
use super::authorization::AuthorizationEntry;
use super::branding::BrandingEntry;
use super::checks::Checks;
use super::clients::Trust;
use super::database::SecretPlace;
use super::document::{Document, Environment};
use super::foreign;
use super::identity_assertions::{self, AssertionEntry};
use super::problem::{KeyPath, Problems};
use super::provisioning::ProvisioningEntry;
use super::rate_limits::RateLimitsEntry;
use super::refusals::{self, Dialect};
use super::registration::{Policy, policy};
use super::schema;
use super::scopes::known_scopes;
use super::servers::{self, ServerEntry};
use super::sign_in::SignIn;
use crate::model::{
    AccessRules, AssertionIssuer, Authorization, Branding, DocumentTrust, ProvisioningSettings,
    PublicUrl, RateLimits, RefusalRules, RegistrationSettings, Role, ScopeCatalogue,
    SignInSettings, StoredTenant, Tenant, TenantSlug, Upstreams,
};

/// What a tenant's document is checked against, and what holds where it says nothing.
#[derive(Clone, Default)]
pub struct TenantRules {
    /// The scopes that exist.
    pub(super) catalogue: ScopeCatalogue,
    /// What single tools, resources and prompts ask for.
    pub(super) access: AccessRules,
    /// How clients are told what their tokens lack.
    pub(super) refusals: RefusalRules,
    /// How often callers may ask.
    pub(super) rate_limits: RateLimits,
    /// Which clients may register themselves.
    pub(super) registration: RegistrationSettings,
    /// Whose metadata documents are believed.
    pub(super) client_documents: DocumentTrust,
    /// Where secrets are that documents name.
    pub(super) environment: Environment,
}

/// What is said about a tenant, checked.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    authorization: Authorization,
    roles: BTreeMap<String, Role>,
    access: AccessRules,
    refusals: RefusalRules,
    sign_in: SignInSettings,
    identity_assertions: Vec<AssertionIssuer>,
    client_documents: DocumentTrust,
    registration: RegistrationSettings,
    provisioning: Option<Arc<ProvisioningSettings>>,
    rate_limits: RateLimits,
    branding: Branding,
    servers: Arc<Upstreams>,
    json: String,
}

/// A tenant.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TenantEntry {
    /// Its short name: `default` for the tenant that is always there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) slug: Option<String>,
    /// Its address: an https origin, or an origin with a path. It is the issuer of the tenant's
    /// tokens: choose it once. The default tenant has that of `server.public_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) public_url: Option<String>,
    authorization: AuthorizationEntry,
    sign_in: SignIn,
    /// Identity providers that may assert who a client acts for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity_assertions: Vec<AssertionEntry>,
    /// What people may be granted, by the name of their role. Without it there are `admin`, who
    /// may be granted everything, and `member`, who may not read metrics.
    roles: BTreeMap<String, RoleEntry>,
    /// What single tools ask for at this tenant, in the place of the table `[tools]`.
    tools: BTreeMap<String, AccessEntry>,
    /// What single resources ask for at this tenant, by URI or URI template.
    resources: BTreeMap<String, AccessEntry>,
    /// What single prompts ask for at this tenant.
    prompts: BTreeMap<String, AccessEntry>,
    /// How clients are told what their tokens lack, over `[clients.refusals]`.
    refusals: BTreeMap<String, Dialect>,
    registration: RegistrationEntry,
    metadata_documents: DocumentsEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProvisioningEntry")]
    scim: Option<ProvisioningEntry>,
    // What is not said is not stored: replicas of an earlier version refuse a key that is new to them.
    #[serde(skip_serializing_if = "RateLimitsEntry::is_empty")]
    rate_limits: RateLimitsEntry,
    branding: BrandingEntry,
    /// MCP servers that are mounted beside the built-in one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<ServerEntry>,
}

/// What the holders of a role may be granted.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RoleEntry {
    /// The scopes.
    scopes: Vec<String>,
}

/// Which clients may register themselves at this tenant, where that differs from `[registration]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RegistrationEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Policy")]
    policy: Option<Policy>,
    /// The token that the policy `initial_access_token` asks for. Where it is kept, not itself:
    /// what is said about a tenant is stored in the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretPlace")]
    initial_access_token: Option<SecretPlace>,
    /// How many clients that registered themselves there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1))]
    max_clients: Option<u32>,
}

/// Documents that clients keep on the Web, where this tenant differs from
/// `[clients.metadata_documents]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DocumentsEntry {
    /// Which clients may be known by the URL of their metadata: `any`, `off`, or those whose URL
    /// begins with one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Trust")]
    trust: Option<Trust>,
}

/// The roles of a tenant that names none.
const BUILT_IN_ROLES: [(&str, &[&str]); 2] = [
    (
        "admin",
        &["mcp:tools", "mcp:resources", "mcp:prompts", "metrics:read"],
    ),
    ("member", &["mcp:tools", "mcp:resources", "mcp:prompts"]),
];

impl TenantRules {
    /// Reads a document in TOML that an operator has for the tenant `slug` at `public_url`; `name`
    /// is the file's.
    pub fn read(
        &self,
        text: &str,
        name: &str,
        (slug, public_url): (&TenantSlug, &PublicUrl),
    ) -> Result<TenantSettings, Problems> {
        let mut document = Document::read(text, Some(name.to_owned()))?;
        self.check(&mut document, (slug, public_url))
    }

    /// Reads a document that came over the network. It may not name files and programs of this
    /// machine, nor what only the machine's owner gives away: its networks, its environment.
    pub fn read_value(
        &self,
        value: Value,
        (slug, public_url): (&TenantSlug, &PublicUrl),
    ) -> Result<TenantSettings, Problems> {
        let mut document = Document::of(value, "settings".to_owned());
        let problems = foreign::problems(&document);
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        self.check(&mut document, (slug, public_url))
    }

    /// The tenant of a stored document.
    pub fn restore(&self, stored: &StoredTenant) -> Result<Tenant, Problems> {
        let name = format!("tenant {} in the database", stored.slug);
        let value = serde_json::from_str(&stored.settings).unwrap_or_default();
        let mut document = Document::of(value, name);
        let (slug, public_url) = (&stored.slug, &stored.public_url);
        let settings = self.check(&mut document, (slug, public_url))?;
        Ok(settings.tenant(slug.clone(), public_url.clone()))
    }

    fn check(
        &self,
        document: &mut Document,
        (slug, public_url): (&TenantSlug, &PublicUrl),
    ) -> Result<TenantSettings, Problems> {
        let schema = schemars::schema_for!(TenantEntry).to_value();
        let mut problems = schema::check(document, &schema);
        let top = KeyPath::default();
        let Ok(entry) = TenantEntry::deserialize(document.value()) else {
            problems.push(document.problem(&top, "a document that fits its schema"));
            return Err(Problems::new(problems));
        };
        let mut checks = Checks::new(document, &self.environment);
        let said = [
            ("slug", &entry.slug, slug.as_str()),
            ("public_url", &entry.public_url, public_url.as_str()),
        ];
        for (key, found, meant) in said {
            if found.as_ref().is_some_and(|found| found != meant) {
                checks.refuse(&top.join(key), format!("{meant:?}, or nothing"));
            }
        }
        let settings = entry.resolve(self, &mut checks, &top);
        problems.extend(checks.into_problems());
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            Some(_) | None => Err(Problems::new(problems)),
        }
    }
}

/// The environment holds secrets.
impl fmt::Debug for TenantRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRules").finish_non_exhaustive()
    }
}

impl TenantSettings {
    /// The tenant of this name at this address.
    #[must_use]
    pub fn tenant(&self, slug: TenantSlug, public_url: PublicUrl) -> Tenant {
        Tenant {
            authorization: self.authorization.clone(),
            access: self.access.clone(),
            refusals: self.refusals.clone(),
            sign_in: self.sign_in.clone(),
            identity_assertions: self.identity_assertions.clone(),
            client_documents: self.client_documents.clone(),
            registration: self.registration.clone(),
            provisioning: self.provisioning.clone(),
            rate_limits: self.rate_limits.clone(),
            branding: self.branding.clone(),
            servers: Arc::clone(&self.servers),
            ..Tenant::new(slug, public_url, self.roles.clone())
        }
    }

    /// The document as it is stored: complete, without name and address, with its logo in it, and
    /// without a secret.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.json
    }
}

impl TenantEntry {
    /// Checks what stands at `path`.
    pub(super) fn resolve(
        &self,
        global: &TenantRules,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<TenantSettings> {
        let mut whole = self.clone();
        whole.slug = None;
        whole.public_url = None;
        if whole.roles.is_empty() {
            whole.roles = built_in_roles();
        }
        let roles = whole.resolve_roles(&global.catalogue, checks, &path.join("roles"));
        let place = path.join("authorization");
        let known = (&global.catalogue, &roles);
        let authorization = self.authorization.resolve(known, checks, &place);
        let tables = AccessTables {
            tools: &self.tools,
            resources: &self.resources,
            prompts: &self.prompts,
        };
        let mut access = tables.resolve(&global.catalogue, checks, path);
        let place = path.join("servers");
        let servers = servers::resolve(&self.servers, &global.catalogue, checks, &place);
        if let Some(servers) = &servers {
            access.servers = servers::scopes(servers);
            servers::check_accounts(servers, authorization.as_ref(), checks, &place);
        }
        let refusals = refusals::resolve(&self.refusals, checks, &path.join("refusals"));
        let sign_in = whole.sign_in.resolve(&roles, checks, &path.join("sign_in"));
        let place = path.join("identity_assertions");
        let people = (&roles, sign_in.as_ref());
        let assertions =
            identity_assertions::resolve(&self.identity_assertions, people, checks, &place);
        let registration =
            self.registration
                .resolve(&global.registration, checks, &path.join("registration"));
        let place = path.join("metadata_documents").join("trust");
        let client_documents = match &self.metadata_documents.trust {
            Some(trust) => trust.resolve(checks, &place),
            None => Some(global.client_documents.clone()),
        };
        let place = path.join("scim");
        let provisioning = match &self.scim {
            Some(scim) => Some(Arc::new(scim.resolve(&roles, checks, &place)?)),
            None => None,
        };
        let place = path.join("rate_limits");
        let rate_limits = self.rate_limits.over(&global.rate_limits, checks, &place);
        let branding = whole.branding.embed(checks, &path.join("branding"));
        let json = serde_json::to_string(&whole).ok();
        Some(TenantSettings {
            roles,
            authorization: authorization?,
            access: access.over(&global.access),
            refusals: refusals.over(&global.refusals),
            sign_in: sign_in?,
            identity_assertions: assertions?,
            client_documents: client_documents?,
            registration: registration?,
            provisioning,
            rate_limits,
            branding: branding?,
            servers: Arc::new(Upstreams::new(servers?)),
            json: checks.require(json, path, "a document that can be stored")?,
        })
    }

    fn resolve_roles(
        &self,
        catalogue: &ScopeCatalogue,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> BTreeMap<String, Role> {
        let mut roles = BTreeMap::new();
        for (name, role) in &self.roles {
            let place = path.join(name).join("scopes");
            let scopes = known_scopes(&role.scopes, catalogue, checks, &place);
            roles.insert(name.clone(), Role { scopes });
        }
        roles
    }
}

impl RegistrationEntry {
    fn resolve(
        &self,
        global: &RegistrationSettings,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<RegistrationSettings> {
        let token = match &self.initial_access_token {
            Some(place) => Some(place.resolve(checks, &path.join("initial_access_token"))?),
            None => None,
        };
        let policy = match (self.policy, token) {
            (None, None) => Some(global.policy.clone()),
            (own, token) => policy(own.unwrap_or_default(), token, checks, path),
        };
        Some(RegistrationSettings {
            policy: policy?,
            max_clients: self.max_clients.unwrap_or(global.max_clients),
        })
    }
}

fn built_in_roles() -> BTreeMap<String, RoleEntry> {
    BUILT_IN_ROLES
        .into_iter()
        .map(|(name, scopes)| {
            let scopes = scopes.iter().map(ToString::to_string).collect();
            (name.to_owned(), RoleEntry { scopes })
        })
        .collect()
}
