//! `[[tenants.servers]]`: MCP servers that a tenant has mounted behind the gate.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderName;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::checks::Checks;
use super::database::SecretPlace;
use super::described_api;
use super::problem::KeyPath;
use super::scopes::known_scopes;
use super::server_credentials::CredentialsEntry;
use crate::model::{
    ApiDocument, Authorization, Digest, MountPrefix, ScopeCatalogue, ScopeSet, ToolChanges,
    Upstream, UpstreamAddress, UpstreamCredentials, UpstreamLimits, UpstreamPlace, UpstreamProcess,
};

/// A server that is mounted behind the gate.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerEntry {
    /// Its name among the servers of the tenant: a-z, 0-9 and '-', a letter first.
    name: String,
    /// What its tools, resources and prompts begin with, so that they are told from all others: its
    /// name unless this says otherwise. One server may have an empty one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    prefix: Option<String>,
    /// The URL of its endpoint (Streamable HTTP): https, or http to a network of `allow_private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    url: Option<String>,
    /// Where it is no MCP server but an HTTP API: the OpenAPI document (3.0 or 3.1, JSON or YAML) that
    /// describes it, a file or a URL. The paths of the document are below `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    openapi: Option<String>,
    /// Networks that its host may be in although they are not public, as in `10.20.0.0/16`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_private: Vec<String>,
    /// In the place of a URL: the program that is the server, with its arguments. It speaks on its
    /// standard streams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    command: Vec<String>,
    /// All that is in the environment of the program.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, VariableEntry>,
    /// Where the program runs; in an empty folder of its own unless this says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    folder: Option<String>,
    credentials: CredentialsEntry,
    /// What everything of it asks of its callers, beside what everything of its kind does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    /// How long it may be silent about a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    deadline: Option<String>,
    /// How many bytes an answer may have, with all that is told before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1024, max = 67_108_864))]
    max_response: Option<u32>,
    /// How many requests may wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16", range(min = 1))]
    max_concurrent: Option<u16>,
    /// What becomes of tools that are not what was approved, or were not there when the server was
    /// first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ToolChangesEntry")]
    tool_changes: Option<ToolChangesEntry>,
}

/// What becomes of tools that are not what was approved.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ToolChangesEntry {
    /// They pass, and are on record.
    Pass,
    /// They pass, and operators are warned.
    Warn,
    /// They are withheld until an operator approves them: so it is where nothing is said.
    Withhold,
}

/// A variable: the text itself, or where it is kept.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum VariableEntry {
    Here(String),
    Kept(SecretPlace),
}

/// What a URL of a server has to be.
pub(super) const AN_ADDRESS: &str = "an https URL without user name and fragment; http where \
                                     `allow_private` has the network of its host";

/// What names of the built-in server begin with: a mounted one would be taken for it.
const BUILT_IN_PREFIXES: [&str; 4] = ["emergency", "export", "get", "summarize"];

/// The servers at `path`, and what each asks of its callers.
pub(super) fn resolve(
    entries: &[ServerEntry],
    catalogue: &ScopeCatalogue,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<Vec<Upstream>> {
    let mut names = BTreeSet::new();
    let mut prefixes = BTreeSet::new();
    let mut servers = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let place = path.join(position);
        let is_new = names.insert(&entry.name);
        if !is_new {
            checks.refuse(&place.join("name"), "for each server another name");
        }
        let server = entry.resolve(catalogue, checks, &place);
        let prefix = entry.prefix.as_ref().unwrap_or(&entry.name);
        if !prefixes.insert(prefix) && is_new {
            let expected = match prefix.as_str() {
                "" => "one server without a prefix: the others need one to be told apart",
                _ => "for each server another prefix: names would collide",
            };
            checks.refuse(&place.join("prefix"), expected);
        }
        servers.push(server);
    }
    servers.into_iter().collect()
}

/// What each server asks of its callers, by what its names begin with.
pub(super) fn scopes(servers: &[Upstream]) -> BTreeMap<MountPrefix, ScopeSet> {
    let asking = servers.iter().filter(|server| !server.scopes.is_empty());
    asking
        .map(|server| (server.prefix.clone(), server.scopes.clone()))
        .collect()
}

/// People link their accounts on the account page, which is the built-in authorization server's.
pub(super) fn check_accounts(
    servers: &[Upstream],
    authorization: Option<&Authorization>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) {
    if !matches!(authorization, Some(Authorization::External(_))) {
        return;
    }
    for (position, server) in servers.iter().enumerate() {
        if server.linkable().is_some() {
            let place = path.join(position).join("credentials").join("kind");
            let expected = "another kind than user: where tokens come from elsewhere there is no page \
                            to link accounts on";
            checks.refuse(&place, expected);
        }
    }
}

impl From<ToolChangesEntry> for ToolChanges {
    fn from(entry: ToolChangesEntry) -> Self {
        match entry {
            ToolChangesEntry::Pass => Self::Pass,
            ToolChangesEntry::Warn => Self::Warn,
            ToolChangesEntry::Withhold => Self::Withhold,
        }
    }
}

impl ServerEntry {
    fn resolve(
        &self,
        catalogue: &ScopeCatalogue,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<Upstream> {
        let expected = "1 to 32 characters of a-z, 0-9 and '-', a letter first";
        let name: Option<MountPrefix> = self.name.parse().ok();
        let name = name.filter(|name| !name.is_empty());
        let name = checks.require(name, &path.join("name"), expected);
        let prefix = self.prefix(checks, path);
        let credentials = self.credentials.resolve(checks, &path.join("credentials"));
        let shown = credentials.as_ref().and_then(|(it, _)| it.header());
        let place = self.place(shown.as_ref(), checks, path);
        if let (Some(UpstreamPlace::Process(_)), Some((credentials, _))) = (&place, &credentials)
            && !matches!(credentials, UpstreamCredentials::None)
        {
            let expected = "no credentials for a command: its environment is the place for them";
            checks.refuse(&path.join("credentials"), expected);
        }
        let scopes = known_scopes(&self.scopes, catalogue, checks, &path.join("scopes"));
        if prefix.as_ref().is_some_and(MountPrefix::is_empty) && !scopes.is_empty() {
            let expected = "none without a prefix, by which what is the server's is told: say it \
                            of single tools in [tenants.tools]";
            checks.refuse(&path.join("scopes"), expected);
        }
        let limits = self.limits(checks, path);
        let (credentials, secrets) = credentials?;
        let place = place?;
        let fingerprint = self.fingerprint(&place, &secrets)?;
        Some(Upstream {
            name: name?.as_str().to_owned(),
            prefix: prefix?,
            place,
            credentials,
            scopes,
            limits: limits?,
            tool_changes: self
                .tool_changes
                .map_or_else(ToolChanges::default, Into::into),
            fingerprint,
        })
    }

    fn prefix(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<MountPrefix> {
        let text = self.prefix.as_ref().unwrap_or(&self.name);
        let place = path.join(if self.prefix.is_some() {
            "prefix"
        } else {
            "name"
        });
        if BUILT_IN_PREFIXES.contains(&text.as_str()) {
            checks.refuse(&place, "what no name of the built-in server begins with");
            return None;
        }
        let expected = "up to 32 characters of a-z, 0-9 and '-', a letter first";
        match &self.prefix {
            Some(text) => checks.require(text.parse().ok(), &place, expected),
            // A name that is none is reported as such.
            None => text.parse().ok(),
        }
    }

    fn place(
        &self,
        credential: Option<&HeaderName>,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<UpstreamPlace> {
        let networks = self.allow_private.iter().map(|text| text.parse().ok());
        let allow_private: Option<Vec<IpNet>> = checks.require(
            networks.collect(),
            &path.join("allow_private"),
            "networks, as in \"10.20.0.0/16\"",
        );
        match (&self.url, self.command.is_empty()) {
            (Some(text), true) => {
                if !self.environment.is_empty() || self.folder.is_some() {
                    checks.refuse(path, "`environment` and `folder` with `command` only");
                }
                let url = address(text, &self.allow_private);
                let url = checks.require(url, &path.join("url"), AN_ADDRESS)?;
                let document = self.openapi.as_ref().map(|text| {
                    let at = (&url, &*self.allow_private);
                    described_api::resolve(text, at, credential, checks, path)
                });
                let allow_private = allow_private?;
                let address = UpstreamAddress { url, allow_private };
                Some(match document {
                    Some(document) => UpstreamPlace::Api(address, document?),
                    None => UpstreamPlace::Address(address),
                })
            }
            (None, false) => {
                let keys = [
                    ("allow_private", !self.allow_private.is_empty()),
                    ("openapi", self.openapi.is_some()),
                ];
                for (key, _) in keys.iter().filter(|(_, is_there)| *is_there) {
                    checks.refuse(&path.join(key), "nothing where there is no `url`");
                }
                self.process(checks, path).map(UpstreamPlace::Process)
            }
            (Some(_), false) | (None, true) => {
                checks.refuse(path, "either `url` or `command`");
                None
            }
        }
    }

    fn process(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<UpstreamProcess> {
        let usable = |text: &String| !text.contains('\0');
        let program = self.command.first().filter(|program| !program.is_empty());
        let valid = program.is_some() && self.command.iter().all(usable);
        let expected = "a program and its arguments";
        let command = valid.then(|| self.command.clone());
        let command = checks.require(command, &path.join("command"), expected);
        let mut environment = BTreeMap::new();
        let mut whole = true;
        for (name, entry) in &self.environment {
            let place = path.join("environment").join(name);
            if name.is_empty() || name.contains(['=', '\0']) {
                checks.refuse(&place, "the name of a variable");
            }
            let value = match entry {
                VariableEntry::Here(text) => Some(crate::model::Secret::new(text.clone())),
                VariableEntry::Kept(kept) => kept.resolve(checks, &place),
            };
            whole &= value.is_some();
            environment.extend(value.map(|value| (name.clone(), value)));
        }
        let folder = self.folder.as_ref().map(std::path::PathBuf::from);
        if folder.as_ref().is_some_and(|folder| !folder.is_dir()) {
            checks.refuse(&path.join("folder"), "a folder that exists");
        }
        Some(UpstreamProcess {
            command: command?,
            environment: whole.then_some(environment)?,
            folder,
        })
    }

    fn limits(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<UpstreamLimits> {
        let limits = UpstreamLimits::default();
        let deadline = match &self.deadline {
            Some(text) => checks.duration(&path.join("deadline"), text, ("1s", "1h")),
            None => Some(limits.deadline),
        };
        let max_response = self
            .max_response
            .and_then(|bytes| usize::try_from(bytes).ok());
        Some(UpstreamLimits {
            deadline: deadline?,
            max_response: max_response.unwrap_or(limits.max_response),
            max_concurrent: self
                .max_concurrent
                .map_or(limits.max_concurrent, usize::from),
        })
    }

    /// What tells this description from every other one.
    fn fingerprint(&self, place: &UpstreamPlace, secrets: &[Digest]) -> Option<Digest> {
        let mut text = serde_json::to_vec(self).ok()?;
        if let UpstreamPlace::Process(process) = place {
            let values = process.environment.values();
            text.extend(values.flat_map(|value| *value.digest().as_bytes()));
        }
        if let UpstreamPlace::Api(_, ApiDocument::Here(description)) = place {
            text.extend(*description.digest.as_bytes());
        }
        text.extend(secrets.iter().flat_map(|digest| *digest.as_bytes()));
        Some(Digest::of(&text))
    }
}

/// The URL of an endpoint. What plain http may reach is decided again when its host is looked up.
pub(super) fn address(text: &str, allow_private: &[String]) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let has_host = match url.host()? {
        Host::Domain(name) => !name.is_empty() && !name.ends_with('.'),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && !allow_private.is_empty());
    (plain && has_host && secure).then_some(url)
}
