//! Lists of what there is, as far as the caller may know of it (MCP server/utilities/pagination).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::Fault;
use crate::backends::{Catalogue, Definition};
use crate::model::Principal;
use crate::resource_server::{Operation, Policy};

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

impl Listing {
    /// The result without what the revision adds: the entries of all `catalogues` in their order.
    pub(super) fn body(
        self,
        catalogues: &[Arc<Catalogue>],
        policy: &Policy,
        principal: &Principal,
    ) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(self.opening().as_bytes());
        let definitions = catalogues.iter().flat_map(|known| self.definitions(known));
        let mut separator = "";
        for definition in definitions {
            if policy.lists(principal, &self.operation(&definition.name)) {
                body.extend_from_slice(separator.as_bytes());
                serde_json::to_writer(&mut body, &definition.json)?;
                separator = ",";
            }
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

/// Everything is on one page: none has a successor, so no cursor was ever given out.
pub(super) fn check_cursor(params: &Map<String, Value>) -> Result<(), Fault> {
    match params.get("cursor") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(Fault::InvalidParams("unknown cursor".into())),
    }
}
