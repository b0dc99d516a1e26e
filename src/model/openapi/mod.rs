//! HTTP APIs as an OpenAPI document describes them (3.0 and 3.1): each operation is a tool, and what
//! can't be one is said.

mod effort;
mod operation;
mod parameter;
mod path;
mod schema;
mod text;
mod tool;

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderName, Method};
use serde_json::Value;

use super::Digest;
use schema::{Document, Unusable};

pub use operation::{ApiBody, ApiBodyKind, ApiOperation};
pub use parameter::{ApiParameter, ParameterPlace, ParameterStyle};
pub use path::PathPart;
pub use tool::{BODY, OPERATION};

/// What a document says.
#[derive(Debug)]
pub struct ApiDescription {
    /// The operations that are tools.
    pub operations: Vec<ApiOperation>,
    /// Those that can't be, and why.
    pub left_out: Vec<ApiRemark>,
    /// Differs from that of every other document.
    pub digest: Digest,
}

/// Something about a part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRemark {
    /// The operation, as in `GET /pets`, or what else it is about.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// How many bytes a document may have.
pub const LARGEST_DOCUMENT: usize = 16 * 1024 * 1024;

/// How many operations it may have, and how many bytes their schemas together.
const MOST_OPERATIONS: usize = 2000;
const LARGEST_SCHEMAS: usize = 32 * 1024 * 1024;

/// The methods that become tools.
const METHODS: [(&str, Method); 6] = [
    ("get", Method::GET),
    ("head", Method::HEAD),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("patch", Method::PATCH),
];

/// The methods of OpenAPI that tell of the server, not of what it has.
const OTHER_METHODS: [&str; 2] = ["options", "trace"];

impl ApiDescription {
    /// Reads a document in JSON or YAML, or says everything that is wrong with it. `credential` is
    /// the header by which the gateway shows who it is: no argument of a tool gets there.
    pub fn read(bytes: &[u8], credential: Option<&HeaderName>) -> Result<Self, Vec<ApiRemark>> {
        let whole = |reason: String| vec![ApiRemark::new("the document", reason)];
        if bytes.len() > LARGEST_DOCUMENT {
            let most = LARGEST_DOCUMENT / 1024 / 1024;
            return Err(whole(format!("it is larger than {most} MiB")));
        }
        let root = text::read(bytes).map_err(whole)?;
        let version = root.get("openapi").and_then(Value::as_str);
        let is_3_0 = match version {
            Some(version) if version.starts_with("3.0.") => true,
            Some(version) if version.starts_with("3.1.") => false,
            Some(_) | None => {
                return Err(whole(
                    "it does not say that it is OpenAPI 3.0 or 3.1".into(),
                ));
            }
        };
        let reader = Reader {
            document: Document {
                root: &root,
                is_3_0,
            },
            credential,
            room: LARGEST_SCHEMAS,
            operations: Vec::new(),
            left_out: Vec::new(),
            mistakes: Vec::new(),
        };
        reader.read(Digest::of(bytes))
    }
}

/// Reads one document.
struct Reader<'a> {
    document: Document<'a>,
    credential: Option<&'a HeaderName>,
    /// How many bytes are left for schemas.
    room: usize,
    operations: Vec<ApiOperation>,
    left_out: Vec<ApiRemark>,
    mistakes: Vec<ApiRemark>,
}

impl<'a> Reader<'a> {
    fn read(mut self, digest: Digest) -> Result<ApiDescription, Vec<ApiRemark>> {
        match self.document.root.get("paths").and_then(Value::as_object) {
            Some(paths) => {
                for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
                    self.path(path, item);
                }
            }
            None => self.mistake("the document", "it has no paths"),
        }
        self.look_for_collisions();
        if self.operations.len() > MOST_OPERATIONS {
            let reason = format!("it has more than {MOST_OPERATIONS} operations");
            self.mistake("the document", &reason);
        }
        if self.operations.is_empty() && self.mistakes.is_empty() {
            self.mistakes = std::mem::take(&mut self.left_out);
            self.mistake("the document", "it has no operation that can be a tool");
        }
        if self.mistakes.is_empty() {
            Ok(ApiDescription {
                operations: self.operations,
                left_out: self.left_out,
                digest,
            })
        } else {
            Err(self.mistakes)
        }
    }

    fn path(&mut self, path: &str, item: &'a Value) {
        let item = match self.document.resolve(item) {
            Ok(item) => item,
            Err(unusable) => return self.unusable(path, unusable),
        };
        for method in OTHER_METHODS {
            if item.get(method).is_some() {
                let place = format!("{} {path}", method.to_ascii_uppercase());
                self.unusable(&place, Unusable::left_out("its method is no tool's"));
            }
        }
        for (name, method) in METHODS {
            let Some(described) = item.get(name) else {
                continue;
            };
            let place = format!("{method} {path}");
            let mut reading = operation::Reading {
                document: self.document,
                credential: self.credential,
                room: self.room,
            };
            let read = reading.operation((method, path), item, described);
            self.room = reading.room;
            match read {
                Ok(operation) => self.operations.push(operation),
                Err(unusable) => self.unusable(&place, unusable),
            }
        }
    }

    /// Two operations with one name: which of them is meant can't be known.
    fn look_for_collisions(&mut self) {
        let mut places = BTreeMap::<&str, Vec<String>>::new();
        for operation in &self.operations {
            let known = places.entry(operation.name()).or_default();
            known.push(operation.place());
        }
        let collisions: Vec<(String, String)> = places
            .into_iter()
            .filter(|(_, places)| places.len() > 1)
            .map(|(name, places)| {
                (
                    places.join(", "),
                    format!("they have the one name {name:?}"),
                )
            })
            .collect();
        for (places, reason) in collisions {
            self.mistake(&places, &reason);
        }
    }

    fn unusable(&mut self, place: &str, unusable: Unusable) {
        match unusable {
            Unusable::Mistake(reason) => self.mistake(place, &reason),
            Unusable::LeftOut(reason) => self.left_out.push(ApiRemark::new(place, reason)),
        }
    }

    fn mistake(&mut self, place: &str, reason: &str) {
        self.mistakes.push(ApiRemark::new(place, reason.to_owned()));
    }
}

impl ApiRemark {
    fn new(place: &str, reason: String) -> Self {
        Self {
            place: shown(place),
            reason,
        }
    }
}

impl fmt::Display for ApiRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// A text of the document as it may stand in a log.
fn shown(text: &str) -> String {
    const LONGEST: usize = 160;
    let start: String = text.chars().take(LONGEST).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", start.escape_debug())
}
