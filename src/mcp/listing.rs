//! Lists of what there is, as far as the caller may know of it (MCP server/utilities/pagination).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::edge::Edge;
use super::error::Fault;
use super::message::Request;
use super::seals::Purpose;
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

/// For how long a place in a list can be come back to.
const CURSOR_TTL: Duration = Duration::from_hours(1);

impl Listing {
    /// The result without what the revision adds: as many entries of all `catalogues` in their
    /// order as there are on the page that `request` asks for.
    pub(super) fn body(
        self,
        catalogues: &[Arc<Catalogue>],
        policy: &Policy,
        principal: &Principal,
        (edge, request): (&Edge, &Request),
    ) -> Result<Vec<u8>, Fault> {
        let start = self.start(edge, principal, &request.params)?;
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(self.opening().as_bytes());
        let definitions = catalogues.iter().flat_map(|known| self.definitions(known));
        let mut listed = definitions
            .enumerate()
            .skip(start)
            .filter(|(_, definition)| policy.lists(principal, &self.operation(&definition.name)));
        let mut separator = "";
        for (_, definition) in listed.by_ref().take(edge.page_size) {
            body.extend_from_slice(separator.as_bytes());
            serde_json::to_writer(&mut body, &definition.json)?;
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
