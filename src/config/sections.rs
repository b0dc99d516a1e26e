//! All sections of the configuration, as they are written and as the rooms get them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{self, AccessEntry, AccessTables};
use super::audit::{Audit, AuditSection};
use super::checks::Checks;
use super::clients::{ClientsSection, MetadataDocuments};
use super::database::{Database, DatabaseSection};
use super::keys::{Keys, KeysSection};
use super::mcp::{Mcp, McpSection};
use super::problem::KeyPath;
use super::rate_limits::RateLimitsEntry;
use super::registration::{Registration, RegistrationSection};
use super::scopes::{Scopes, ScopesSection};
use super::server::{Server, ServerSection};
use super::telemetry::{Telemetry, TelemetrySection};
use super::tenant_document::{TenantEntry, TenantRules};
use super::tenants::{self, FileTenant};
use super::tokens::{Tokens, TokensSection};
use super::weather::{Weather, WeatherSection};
use crate::model::AccessRules;

/// A configuration that was checked as a whole.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Gatehouse listens, and the address that clients know it by.
    pub server: Server,
    /// Where state lives.
    pub database: Database,
    /// The weather server.
    pub weather: Weather,
    /// Lifetimes of tokens.
    pub tokens: Tokens,
    /// Which clients may register themselves.
    pub registration: Registration,
    /// What clients keep on the Web.
    pub metadata_documents: MetadataDocuments,
    /// The keys that sign access tokens.
    pub keys: Keys,
    /// The MCP endpoint.
    pub mcp: Mcp,
    /// The scopes that exist.
    pub scopes: Scopes,
    /// What single tools, resources and prompts ask for where a tenant says nothing else.
    pub access: AccessRules,
    /// The tenants, the default one first.
    pub tenants: Vec<FileTenant>,
    /// What holds for other tenants.
    pub tenant_rules: TenantRules,
    /// The audit log.
    pub audit: Audit,
    /// Logs, traces and figures.
    pub telemetry: Telemetry,
    /// Where all this came from.
    pub sources: Sources,
}

/// Where a configuration came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The file, unless there was none.
    pub file: Option<String>,
    /// The names of the environment variables that had their say.
    pub variables: Vec<String>,
    /// The files that it names: secrets, certificates, logos.
    pub files: Vec<PathBuf>,
}

/// The configuration of Gatehouse.
///
/// Every key has a default. A variable `GATEHOUSE__SECTION__KEY` overrides a key of a section.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Gatehouse configuration")]
pub(super) struct Sections {
    server: ServerSection,
    database: DatabaseSection,
    weather: WeatherSection,
    tokens: TokensSection,
    registration: RegistrationSection,
    clients: ClientsSection,
    keys: KeysSection,
    mcp: McpSection,
    scopes: ScopesSection,
    /// What single tools ask for beyond `mcp:tools`, by the tool's name.
    tools: BTreeMap<String, AccessEntry>,
    /// What single resources ask for beyond `mcp:resources`, by URI or by the URI template of many.
    resources: BTreeMap<String, AccessEntry>,
    /// What single prompts ask for beyond `mcp:prompts`, by the prompt's name.
    prompts: BTreeMap<String, AccessEntry>,
    /// The tenants. An entry with the slug `default` extends the one that is always there.
    tenants: Vec<TenantEntry>,
    rate_limits: RateLimitsEntry,
    audit: AuditSection,
    telemetry: TelemetrySection,
}

impl Sections {
    /// Checks every section and returns the whole, unless one of them has a mistake.
    pub(super) fn resolve(&self, checks: &mut Checks<'_>, sources: Sources) -> Option<Config> {
        let server = self.server.resolve(checks);
        let database = self.database.resolve(checks);
        let weather = self.weather.resolve(checks);
        let tokens = self.tokens.resolve(checks);
        let registration = self.registration.resolve(checks);
        let metadata_documents = self.clients.resolve(checks);
        let keys = self.keys.resolve(checks, database.as_ref());
        let mcp = self.mcp.resolve(checks);
        let scopes = self.scopes.resolve(checks);
        let catalogue = &scopes.catalogue;
        let tables = AccessTables {
            tools: &self.tools,
            resources: &self.resources,
            prompts: &self.prompts,
        };
        let access = tables.resolve(catalogue, checks, &KeyPath::default());
        let access = access.over(&access::built_in());
        let rules = TenantRules {
            catalogue: catalogue.clone(),
            access: access.clone(),
            refusals: self.clients.refusals(checks),
            rate_limits: self.rate_limits.resolve(checks),
            // Where there is a mistake, the tenants are looked at as well as possible.
            registration: registration
                .as_ref()
                .map(|registration| registration.settings.clone())
                .unwrap_or_default(),
            client_documents: metadata_documents
                .as_ref()
                .map(|documents| documents.trust.clone())
                .unwrap_or_default(),
            environment: checks.environment().clone(),
        };
        let default_url = server
            .as_ref()
            .and_then(|server| server.public_url.as_ref());
        let tenants = tenants::resolve(&self.tenants, default_url, &rules, checks);
        let audit = self.audit.resolve(checks);
        let telemetry = self.telemetry.resolve(checks);
        Some(Config {
            server: server?,
            database: database?,
            weather: weather?,
            tokens: tokens?,
            registration: registration?,
            metadata_documents: metadata_documents?,
            keys: keys?,
            mcp: mcp?,
            scopes,
            access,
            tenants: tenants?,
            tenant_rules: rules,
            audit: audit?,
            telemetry: telemetry?,
            sources,
        })
    }
}
