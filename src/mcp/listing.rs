//! Lists of what there is, as far as the caller may know of it (MCP server/utilities/pagination).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::Fault;
use crate::backends::{Catalogue, Definition};
use crate::model::{RefusalDialect, Scope, ScopeSet};
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

const SECURITY_SCHEMES: &str = "securitySchemes";

impl Listing {
    /// The result without what the revision adds: the entries of all `catalogues` in their order.
    pub(super) fn body(
        self,
        catalogues: &[Arc<Catalogue>],
        policy: &Policy,
        permit: &Permit,
    ) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(self.opening().as_bytes());
        let definitions = catalogues.iter().flat_map(|known| self.definitions(known));
        let asks_per_tool = permit.principal().refusals == RefusalDialect::ToolResult;
        let mut separator = "";
        for definition in definitions {
            let operation = self.operation(&definition.name);
            if !policy.lists(permit, &operation) {
                continue;
            }
            body.extend_from_slice(separator.as_bytes());
            if asks_per_tool && self == Self::Tools {
                let (scopes, _) = policy.requirement(permit.tenant(), &operation);
                serde_json::to_writer(&mut body, &with_schemes(&definition.json, &scopes))?;
            } else {
                serde_json::to_writer(&mut body, &definition.json)?;
            }
            separator = ",";
        }
        body.extend_from_slice(b"]}");
        Ok(body)
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

/// Everything is on one page: none has a successor, so no cursor was ever given out.
pub(super) fn check_cursor(params: &Map<String, Value>) -> Result<(), Fault> {
    match params.get("cursor") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(Fault::InvalidParams("unknown cursor".into())),
    }
}
