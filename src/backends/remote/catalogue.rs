//! What a mounted server offers, as it lists it: all pages, within bounds, without what could be
//! taken for something else.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::{Catalogue, Definition};
use super::failure::Failure;
use super::headers::are_annotations_valid;
use super::line::{Ask, Line};
use super::rewrite::Rewriter;
use super::supply::{self, Room};
use crate::model::{ToolOffer, hidden_character};

/// The names that no mounted server may use: those of the built-in servers, and what begins with
/// the prefix of another one.
pub(super) trait Taken: std::fmt::Debug + Send + Sync {
    /// True for a name of somebody else.
    fn has_name(&self, name: &str) -> bool;
    /// True for a URI, or URI template, of somebody else.
    fn has_uri(&self, uri: &str) -> bool;
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) catalogue: Catalogue,
    /// The tools as the server says them, by the names that clients know; those that hide text as well.
    pub(super) offers: Vec<(String, ToolOffer)>,
    /// For how long it may be kept, where the server says so.
    pub(super) ttl: Option<Duration>,
}

/// One of the lists.
#[derive(Clone, Copy, Debug)]
struct List {
    method: &'static str,
    /// The capability that it comes with.
    capability: &'static str,
    /// The member of the result that has the entries.
    member: &'static str,
    /// The member of an entry that names it.
    key: &'static str,
}

const TOOLS: List = List {
    method: "tools/list",
    capability: "tools",
    member: "tools",
    key: "name",
};
const RESOURCES: List = List {
    method: "resources/list",
    capability: "resources",
    member: "resources",
    key: "uri",
};
const TEMPLATES: List = List {
    method: "resources/templates/list",
    capability: "resources",
    member: "resourceTemplates",
    key: "uriTemplate",
};
const PROMPTS: List = List {
    method: "prompts/list",
    capability: "prompts",
    member: "prompts",
    key: "name",
};

/// How many pages a list may have, and how many entries.
const PAGES: usize = 100;
const ENTRIES: usize = 5000;

/// How long a name or URI may be.
const LONGEST_NAME: usize = 1024;

/// Reads all lists of the server.
pub(super) async fn read(
    line: &Arc<Line>,
    rewriter: &Rewriter,
    taken: &dyn Taken,
) -> Result<Read, Failure> {
    let welcome = line.greet().await?;
    let mut reader = Reader {
        line,
        rewriter,
        taken,
        ttl: None,
        offers: Vec::new(),
        room: Room::default(),
    };
    let mut lists = Vec::with_capacity(4);
    for list in [TOOLS, RESOURCES, TEMPLATES, PROMPTS] {
        lists.push(if welcome.offers(list.capability) {
            reader.list(list).await?
        } else {
            Vec::new()
        });
    }
    let mut lists = lists.into_iter();
    let mut next = || lists.next().unwrap_or_default();
    Ok(Read {
        catalogue: Catalogue {
            tools: next(),
            resources: next(),
            resource_templates: next(),
            prompts: next(),
            instructions: visible(welcome.instructions.as_deref(), line),
            has_unlisted_resources: welcome.offers("resources"),
            unreachable: None,
        },
        ttl: reader.ttl,
        offers: reader.offers,
    })
}

struct Reader<'a> {
    line: &'a Arc<Line>,
    rewriter: &'a Rewriter,
    taken: &'a dyn Taken,
    ttl: Option<Duration>,
    offers: Vec<(String, ToolOffer)>,
    room: Room,
}

impl Reader<'_> {
    async fn list(&mut self, list: List) -> Result<Vec<Definition>, Failure> {
        let mut definitions = Vec::new();
        let mut names = HashSet::new();
        let mut cursor = None;
        let mut cursors = HashSet::new();
        for _ in 0..PAGES {
            let params = cursor.map(|cursor| ("cursor".to_owned(), Value::String(cursor)));
            let ask = Ask {
                method: list.method,
                params: params.into_iter().collect(),
                ..Ask::default()
            };
            let mut page = match self.line.ask(&ask, None).await {
                // A capability may have methods that nobody wrote.
                Err(Failure::Error(error)) if error.code == -32601 => return Ok(definitions),
                page => page?.into_members(),
            };
            self.keep_ttl(&page);
            let Some(Value::Array(entries)) = page.remove(list.member) else {
                return Err(Failure::Protocol("a list without entries"));
            };
            let mut entries = entries.into_iter();
            for entry in entries
                .by_ref()
                .take(ENTRIES.saturating_sub(definitions.len()))
            {
                definitions.extend(self.definition(list, entry, &mut names));
            }
            if entries.next().is_some() {
                self.left_out(list);
                return Ok(definitions);
            }
            match page.remove("nextCursor") {
                Some(Value::String(next)) if cursors.insert(next.clone()) => cursor = Some(next),
                Some(Value::String(_)) => {
                    return Err(Failure::Protocol("a list that goes in circles"));
                }
                Some(_) | None => return Ok(definitions),
            }
        }
        self.left_out(list);
        Ok(definitions)
    }

    fn left_out(&self, list: List) {
        tracing::warn!(
            server = self.line.label,
            list = list.method,
            "a mounted server lists more than {ENTRIES} entries or {PAGES} pages: the rest is left out"
        );
    }

    /// The shortest time that one of the pages says.
    fn keep_ttl(&mut self, page: &Map<String, Value>) {
        let said = page.get("ttlMs").and_then(Value::as_u64);
        if let Some(said) = said.map(Duration::from_millis) {
            self.ttl = Some(self.ttl.map_or(said, |ttl| ttl.min(said)));
        }
    }

    /// The entry as clients get to see it; none, and a line in the log, where it can't be used.
    fn definition(
        &mut self,
        list: List,
        entry: Value,
        names: &mut HashSet<String>,
    ) -> Option<Definition> {
        let label = &self.line.label;
        let refuse = |name: &str, why: &str| {
            let shown: String = name.chars().take(80).collect();
            tracing::warn!(
                server = label,
                list = list.method,
                name = ?shown,
                why,
                "an entry of a mounted server is left out"
            );
            None
        };
        let offer = (list.method == TOOLS.method).then(|| supply::offer(&entry));
        let Value::Object(mut json) = entry else {
            return refuse("", "it is no object");
        };
        let Some(name) = json
            .get(list.key)
            .and_then(Value::as_str)
            .map(str::to_owned)
        else {
            return refuse("", "it has no name");
        };
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            return refuse(
                &name,
                "its name is empty, too long, or has control characters",
            );
        }
        if list.method == TOOLS.method {
            let schema = json.get("inputSchema").filter(|schema| schema.is_object());
            match schema {
                None => return refuse(&name, "its inputSchema is no object"),
                Some(schema) if !are_annotations_valid(schema) => {
                    return refuse(&name, "its x-mcp-header annotations are not valid");
                }
                Some(_) => {}
            }
        }
        let hidden = supply::refusal(&json);
        let outer = self.rewriter.definition(&mut json, list.key)?;
        let is_taken = if list.key == "name" {
            self.taken.has_name(&outer)
        } else {
            self.taken.has_uri(&outer)
        };
        if is_taken {
            return refuse(&name, "another server has it");
        }
        if !names.insert(outer.clone()) {
            return refuse(&name, "it is there already");
        }
        if let Some(offer) = offer.flatten() {
            if !self.room.take(&offer.definition) {
                return refuse(
                    &name,
                    "its definition is too large, or all of them together",
                );
            }
            self.offers.push((outer.clone(), offer));
        }
        if let Some(hidden) = hidden {
            return refuse(&name, &hidden.to_string());
        }
        Some(Definition::new(outer, json))
    }
}

/// What the server tells models about itself, unless it hides something there.
fn visible(instructions: Option<&str>, line: &Line) -> Option<String> {
    let instructions = instructions?;
    if let Some(character) = hidden_character(instructions) {
        let character = format!("U+{:04X}", u32::from(character));
        tracing::warn!(
            server = line.label,
            character,
            "the instructions of a mounted server hide text, and are left out"
        );
        return None;
    }
    Some(instructions.to_owned())
}
