//! Lists of what there is, as far as the caller may know of it (MCP server/utilities/pagination).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answered;
use super::edge::Edge;
use super::error::Fault;
use super::message::Request;
use super::seals::Purpose;
use crate::backends::{Catalogue, Definition};
use crate::model::{Principal, RefusalDialect, Scope, ScopeSet};
use crate::resource_server::{Operation, Permit, Policy};

/// A list that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `prompts/list`
    Prompts,
}

/// The key of `_meta` that names servers which can't be reached.
const UNREACHABLE: &str = "gatehouse/unreachable";

const SECURITY_SCHEMES: &str = "securitySchemes";

/// For how long a place in a list can be come back to.
const CURSOR_TTL: Duration = Duration::from_hours(1);

impl Listing {
    /// The result without what the revision adds: as many entries of all `catalogues` in their
    /// order as there are on the page that `request` asks for.
    pub(super) fn body(
        self,
        catalogues: &[Arc<Catalogue>],
        policy: &Policy,
        permit: &Permit,
        (edge, request): (&Edge, &Request),
    ) -> Result<Vec<u8>, Fault> {
        let principal = permit.principal();
        let start = self.start(edge, principal, &request.params)?;
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(self.opening().as_bytes());
        let definitions = catalogues.iter().flat_map(|known| self.definitions(known));
        let mut listed = definitions
            .enumerate()
            .skip(start)
            .filter(|(_, definition)| policy.lists(permit, &self.operation(&definition.name)));
        let mut separator = "";
        for (_, definition) in listed.by_ref().take(edge.page_size) {
            body.extend_from_slice(separator.as_bytes());
            let fitted = (self == Self::Tools)
                .then(|| answered::listed_in(definition, request.revision))
                .flatten();
            if self.names_scopes(principal) {
                let json = fitted.as_ref().unwrap_or(&definition.json);
                let operation = self.operation(&definition.name);
                let (scopes, _) = policy.requirement(permit.tenant(), &operation);
                serde_json::to_writer(&mut body, &with_schemes(json, &scopes))?;
            } else if let Some(fitted) = fitted {
                serde_json::to_writer(&mut body, &fitted)?;
            } else {
                body.extend_from_slice(definition.text().as_bytes());
            }
            separator = ",";
        }
        body.push(b']');
        if let Some((place, _)) = listed.next() {
            let purpose = Purpose::Cursor(self.opening());
            let cursor = edge.seals.seal(purpose, principal, place, CURSOR_TTL)?;
            body.extend_from_slice(format!(",\"nextCursor\":\"{cursor}\"").as_bytes());
        }
        body.push(b'}');
        Ok(body)
    }

    /// What of this list the holder of `permit` sees that its tenant decides on: the entries, and
    /// with them the scopes where it reads them.
    pub(super) fn shown(
        self,
        catalogues: &[Arc<Catalogue>],
        policy: &Policy,
        permit: &Permit,
    ) -> Vec<(String, Option<ScopeSet>)> {
        let definitions = catalogues.iter().flat_map(|known| self.definitions(known));
        let shown = definitions.filter_map(|definition| {
            let operation = self.operation(&definition.name);
            let scopes = self.names_scopes(permit.principal());
            let scopes = scopes.then(|| policy.requirement(permit.tenant(), &operation).0);
            let name = definition.name.clone();
            policy.lists(permit, &operation).then_some((name, scopes))
        });
        shown.collect()
    }

    /// True where the entries name the scopes that they need.
    fn names_scopes(self, principal: &Principal) -> bool {
        principal.refusals == RefusalDialect::ToolResult && self == Self::Tools
    }

    /// Where the page begins. A cursor is good for one list and one principal.
    fn start(
        self,
        edge: &Edge,
        principal: &Principal,
        params: &Map<String, Value>,
    ) -> Result<usize, Fault> {
        let cursor = match params.get("cursor") {
            None | Some(Value::Null) => return Ok(0),
            Some(cursor) => cursor.as_str(),
        };
        let purpose = Purpose::Cursor(self.opening());
        let place = cursor.and_then(|cursor| edge.seals.open(purpose, principal, cursor));
        place.ok_or(Fault::InvalidParams("unknown cursor".into()))
    }

    const fn opening(self) -> &'static str {
        match self {
            Self::Tools => "{\"tools\":[",
            Self::Resources => "{\"resources\":[",
            Self::ResourceTemplates => "{\"resourceTemplates\":[",
            Self::Prompts => "{\"prompts\":[",
        }
    }

    fn definitions(self, catalogue: &Catalogue) -> &[Definition] {
        match self {
            Self::Tools => &catalogue.tools,
            Self::Resources => &catalogue.resources,
            Self::ResourceTemplates => &catalogue.resource_templates,
            Self::Prompts => &catalogue.prompts,
        }
    }

    /// What one would do with an entry of this name.
    fn operation(self, name: &str) -> Operation {
        let name = name.to_owned();
        match self {
            Self::Tools => Operation::CallTool(name),
            Self::Resources | Self::ResourceTemplates => Operation::ReadResource(name),
            Self::Prompts => Operation::GetPrompt(name),
        }
    }
}

/// What a list says of servers that can't be reached, whose entries are missing or not of now.
pub(super) fn unreachable(catalogues: &[Arc<Catalogue>]) -> Map<String, Value> {
    let servers = catalogues.iter();
    let names: Vec<&str> = servers
        .filter_map(|catalogue| catalogue.unreachable.as_deref())
        .collect();
    let mut meta = Map::new();
    if !names.is_empty() {
        meta.insert(UNREACHABLE.to_owned(), json!(names));
    }
    meta
}

/// The tool with what a caller needs for it, as hosts read it that connect an account for one tool:
/// at the top, and in `_meta` for those that only know the fields of MCP.
fn with_schemes(tool: &Map<String, Value>, scopes: &ScopeSet) -> Map<String, Value> {
    let names: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    let schemes = json!([{ "type": "oauth2", "scopes": names }]);
    let mut tool = tool.clone();
    let meta = tool.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(SECURITY_SCHEMES.to_owned(), schemes.clone());
    }
    tool.insert(SECURITY_SCHEMES.to_owned(), schemes);
    tool
}
