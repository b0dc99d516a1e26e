//! The tools of mounted servers: what is on record of them, and what operators approve.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{By, OperationError, Operations};
use crate::model::{
    Digest, MESSAGE_DEPTH, Tenant, ToolChanges, ToolDefinition, ToolRecord, ToolState,
    check_visible, strict_json,
};
use crate::store::{ToolDeed, ToolOutcome};

/// A tool of a mounted server.
#[derive(Clone, Debug)]
pub struct ListedTool {
    /// The server's name.
    pub server: String,
    /// What becomes of changes; none where the tenant does not have the server any more.
    pub policy: Option<ToolChanges>,
    /// What is on record.
    pub record: ToolRecord,
    /// What the tool was called that is gone and was the same otherwise.
    pub renamed_from: Option<String>,
}

/// Approved tools, as a file that can be kept elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolLock {
    /// The version of the form.
    version: u32,
    /// By the names of the servers.
    servers: BTreeMap<String, LockedServer>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LockedServer {
    /// By their names at the server.
    tools: BTreeMap<String, LockedTool>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LockedTool {
    digest: String,
    definition: Map<String, Value>,
}

/// The version of the form that this program reads and writes.
const VERSION: u32 = 1;

impl ListedTool {
    /// The digest that an approval names: of what is offered, or else of what is approved.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let shown = self
            .record
            .offered
            .as_ref()
            .or(self.record.approved.as_ref());
        shown.map(ToolDefinition::digest)
    }

    /// What there is to know before it is approved, a line each.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let told = self.record.differences();
        let mut told: Vec<String> = told.iter().map(ToString::to_string).collect();
        if let Some(refusal) = &self.record.refusal {
            told.push(format!("it can't be approved: {refusal}"));
        }
        if let Some(name) = &self.renamed_from {
            told.push(format!("its name was {name:?}; all else is the same"));
        }
        told
    }

    /// True where an operator has something to decide.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.record.state(), ToolState::Changed | ToolState::New)
    }
}

impl ToolLock {
    /// The lock that these bytes are.
    pub fn read(bytes: &[u8]) -> Result<Self, OperationError> {
        let value = strict_json(bytes, MESSAGE_DEPTH);
        let value = value.map_err(|error| OperationError::invalid("lock", error.to_string()))?;
        serde_json::from_value(value)
            .map_err(|error| OperationError::invalid("lock", format!("it is no lock: {error}")))
    }

    /// The file, the same bytes for the same tools.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The definitions of each server, held against their digests.
    fn definitions(&self) -> Result<BTreeMap<&str, Vec<ToolDefinition>>, OperationError> {
        if self.version != VERSION {
            let rule = format!("its version is {}, and this is {VERSION}", self.version);
            return Err(OperationError::invalid("lock", rule));
        }
        let mut servers = BTreeMap::new();
        for (server, locked) in &self.servers {
            let read = locked.tools.iter().map(|(name, tool)| {
                let wrong = |rule: String| invalid_tool(server, name, &rule);
                tool.definition(name).map_err(wrong)
            });
            let definitions: Result<Vec<_>, _> = read.collect();
            servers.insert(server.as_str(), definitions?);
        }
        Ok(servers)
    }
}

impl LockedTool {
    fn definition(&self, name: &str) -> Result<ToolDefinition, String> {
        let json = Value::Object(self.definition.clone());
        check_visible(&json).map_err(|hidden| hidden.to_string())?;
        let definition = ToolDefinition::of(&self.definition);
        if definition.name() != name {
            return Err("the definition has another name".to_owned());
        }
        if definition.digest().to_hex() != self.digest {
            return Err("the digest is not that of the definition".to_owned());
        }
        Ok(definition)
    }
}

impl Operations {
    /// What is on record of the tools of the tenant's servers, or of one of them.
    pub async fn list_tools(
        &self,
        tenant: &Tenant,
        server: Option<&str>,
    ) -> Result<Vec<ListedTool>, OperationError> {
        let known = self.store.list_tool_servers(&tenant.slug).await?;
        let described = &tenant.servers.all;
        let mounted = described.iter().map(|server| server.name.clone());
        let all: BTreeSet<String> = mounted.chain(known).collect();
        if let Some(server) = server.filter(|server| !all.contains(*server)) {
            return Err(OperationError::missing("server", server));
        }
        let mut tools = Vec::new();
        for name in all {
            if server.is_some_and(|server| server != name) {
                continue;
            }
            let described = described.iter().find(|server| server.name == name);
            let policy = described.map(|server| server.tool_changes);
            let records = self.store.list_tools(&tenant.slug, &name).await?;
            for record in &records {
                tools.push(ListedTool {
                    server: name.clone(),
                    policy,
                    renamed_from: renamed_from(record, &records),
                    record: record.clone(),
                });
            }
        }
        Ok(tools)
    }

    /// Approves what is offered as a tool, if its digest begins with `digest`.
    pub async fn approve_tool(
        &self,
        by: &By,
        tenant: &Tenant,
        (server, name): (&str, &str),
        digest: &Digest,
    ) -> Result<(), OperationError> {
        let change = self.change(by, &tenant.slug);
        let deed = ToolDeed::Approve(name, *digest);
        match self.store.change_tools(&change, server, &deed).await? {
            ToolOutcome::Done(_) => {
                tracing::info!(
                    %by, tenant = %tenant.slug, server, tool = name, digest = digest.to_hex(),
                    "approved a tool of a mounted server"
                );
                Ok(())
            }
            ToolOutcome::Missing => {
                Err(OperationError::missing("tool", &format!("{server}/{name}")))
            }
            ToolOutcome::Superseded => {
                let why = "something else is offered as this tool now: look at it again".to_owned();
                Err(OperationError::Taken(why))
            }
            ToolOutcome::Refused(why) => Err(OperationError::Protected(format!(
                "it can't be approved: {why}"
            ))),
        }
    }

    /// The tools that are approved; with `offered`, what is offered in the place of each that may be
    /// approved.
    pub async fn export_tool_lock(
        &self,
        tenant: &Tenant,
        server: Option<&str>,
        offered: bool,
    ) -> Result<ToolLock, OperationError> {
        let mut servers: BTreeMap<String, LockedServer> = BTreeMap::new();
        for tool in self.list_tools(tenant, server).await? {
            let of_server = servers.entry(tool.server.clone()).or_default();
            let instead = tool
                .record
                .offered
                .as_ref()
                .filter(|_| offered && tool.waits());
            if let Some(definition) = instead.or(tool.record.approved.as_ref()) {
                let locked = LockedTool {
                    digest: definition.digest().to_hex(),
                    definition: definition.members().clone(),
                };
                of_server.tools.insert(tool.record.name.clone(), locked);
            }
        }
        Ok(ToolLock {
            version: VERSION,
            servers,
        })
    }

    /// Makes the tools of the lock those that are approved of its servers; returns how many
    /// decisions that were.
    pub async fn apply_tool_lock(
        &self,
        by: &By,
        tenant: &Tenant,
        lock: &ToolLock,
    ) -> Result<usize, OperationError> {
        let servers = lock.definitions()?;
        for server in servers.keys() {
            if !tenant.servers.all.iter().any(|known| known.name == *server) {
                return Err(OperationError::missing("server", *server));
            }
        }
        let mut decisions = 0;
        for (server, definitions) in servers {
            let change = self.change(by, &tenant.slug);
            let deed = ToolDeed::Lock(&definitions);
            let outcome = self.store.change_tools(&change, server, &deed).await?;
            if let ToolOutcome::Done(news) = outcome {
                decisions += news.len();
            }
        }
        tracing::info!(%by, tenant = %tenant.slug, decisions, "applied a lock of tools");
        Ok(decisions)
    }
}

/// The name of a tool that is gone and was the same as this new one otherwise.
fn renamed_from(record: &ToolRecord, all: &[ToolRecord]) -> Option<String> {
    let offered = record.offered.as_ref()?;
    if record.approved.is_some() {
        return None;
    }
    let was = all.iter().find(|other| {
        let approved = other.approved.as_ref();
        other.missing_since.is_some() && approved.is_some_and(|it| it.is_renamed(offered))
    });
    was.map(|was| was.name.clone())
}

fn invalid_tool(server: &str, name: &str, rule: &str) -> OperationError {
    OperationError::invalid("lock", format!("{server}/{name}: {rule}"))
}
