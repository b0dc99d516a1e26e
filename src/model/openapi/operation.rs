//! One operation of an OpenAPI document: what its tool takes, how that travels, and what is promised of
//! the answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use http::{HeaderName, Method};
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value, json};

use super::parameter::{ApiParameter, ParameterStyle, query_style};
use super::path::{self, PathPart};
use super::schema::{Definitions, Direction, Document, Unusable};
use super::tool::{self, BODY, OPERATION};
use super::{effort, shown};

/// An operation that can be called.
#[derive(Debug)]
pub struct ApiOperation {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: Vec<PathPart>,
    /// Its parameters.
    pub parameters: Vec<ApiParameter>,
    /// The body that it takes, which is the argument [`BODY`].
    pub body: Option<ApiBody>,
    /// The whole definition of the tool.
    pub tool: Map<String, Value>,
    of_arguments: OnceLock<Option<Validator>>,
    of_answers: OnceLock<Option<Validator>>,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBody {
    /// True where no request goes without it.
    pub is_required: bool,
    /// How it is written.
    pub kind: ApiBodyKind,
}

/// How a body is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiBodyKind {
    /// As JSON, under this media type.
    Json(String),
    /// As a form, with what is said of single fields: their style, and whether they explode.
    Form(BTreeMap<String, (ParameterStyle, bool)>),
}

/// What an operation takes, and the schema of all arguments together.
type Taken = (Vec<ApiParameter>, Option<ApiBody>, Map<String, Value>);

const FORM: &str = "application/x-www-form-urlencoded";

/// How many bytes an expression of a schema may take.
const LARGEST_PATTERN: usize = 256 * 1024;

/// What one operation is read with.
pub(super) struct Reading<'a> {
    pub(super) document: Document<'a>,
    pub(super) credential: Option<&'a HeaderName>,
    /// How many bytes are left for schemas.
    pub(super) room: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn operation(
        &mut self,
        (method, path): (Method, &str),
        item: &'a Value,
        described: &'a Value,
    ) -> Result<ApiOperation, Unusable> {
        if item.get("servers").is_some() || described.get("servers").is_some() {
            return Err(Unusable::left_out("it is at a server of its own"));
        }
        let mut definitions = Definitions::new(Direction::ToApi, self.room);
        let read = self.arguments(item, described, &mut definitions);
        self.room -= definitions.taken_of(self.room);
        let (parameters, body, input) = read?;
        let parts = path::parts(path, &parameters)?;
        check(&input).map_err(|reason| {
            Unusable::left_out(format!("its arguments can't be checked: {reason}"))
        })?;
        let output = self.output(described)?;
        let shape = shape((&method, path), &parameters, body.as_ref());
        let tool = tool::definition((&method, path, described), input, output, &shape);
        Ok(ApiOperation {
            method,
            path: parts,
            parameters,
            body,
            tool,
            of_arguments: OnceLock::new(),
            of_answers: OnceLock::new(),
        })
    }

    fn arguments(
        &self,
        item: &'a Value,
        described: &'a Value,
        definitions: &mut Definitions,
    ) -> Result<Taken, Unusable> {
        let body = self.body(described, definitions)?;
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let mut parameters = Vec::new();
        for described in self.parameters(item, described)? {
            let names = (&properties, body.is_some());
            let Some((parameter, schema)) = self.parameter(described, names, definitions)? else {
                continue;
            };
            required.extend(parameter.is_required.then(|| parameter.argument.clone()));
            properties.insert(parameter.argument.clone(), schema);
            parameters.push(parameter);
        }
        let body = body.map(|(body, schema)| {
            properties.insert(BODY.to_owned(), schema);
            required.extend(body.is_required.then(|| BODY.to_owned()));
            body
        });
        let mut input = Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), Value::Object(properties)),
            ("additionalProperties".to_owned(), json!(false)),
        ]);
        if !required.is_empty() {
            input.insert("required".to_owned(), json!(required));
        }
        definitions.add_to(&mut input, self.document)?;
        Ok((parameters, body, input))
    }

    fn body(
        &self,
        described: &'a Value,
        definitions: &mut Definitions,
    ) -> Result<Option<(ApiBody, Value)>, Unusable> {
        let Some(body) = described.get("requestBody") else {
            return Ok(None);
        };
        let body = self.document.resolve(body)?;
        let content = body.get("content").and_then(Value::as_object);
        let content = content.ok_or_else(|| Unusable::mistake("its body has no content"))?;
        let (kind, media) = match (json_of(content), content.get(FORM)) {
            (Some((kind, media)), _) => {
                let kind = if kind.contains('*') {
                    "application/json"
                } else {
                    kind
                };
                (ApiBodyKind::Json(kind.to_owned()), media)
            }
            (None, Some(form)) => (ApiBodyKind::Form(fields(form)?), form),
            (None, None) => {
                let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
                let kinds = shown(&kinds.join(", "));
                let reason = format!("its body is neither JSON nor a form, but {kinds}");
                return Err(Unusable::LeftOut(reason));
            }
        };
        let schema = media.get("schema");
        let schema = schema.map(|schema| self.document.schema(schema, definitions));
        let schema = schema.transpose()?.unwrap_or_else(|| json!({}));
        let is_required = body.get("required").and_then(Value::as_bool);
        let body = ApiBody {
            is_required: is_required.unwrap_or_default(),
            kind,
        };
        Ok(Some((body, schema)))
    }

    /// The schema of the answer, where there is one good answer and it is an object in JSON. Where
    /// the schema is too much for a tool, nothing is promised.
    fn output(&mut self, described: &'a Value) -> Result<Option<Map<String, Value>>, Unusable> {
        let responses = described.get("responses").and_then(Value::as_object);
        let good = responses.into_iter().flatten();
        let mut good = good.filter(|(status, _)| status.starts_with('2'));
        let (Some((_, response)), None) = (good.next(), good.next()) else {
            return Ok(None);
        };
        let response = self.document.resolve(response)?;
        let content = response.get("content").and_then(Value::as_object);
        let schema = content.and_then(json_of);
        let Some(schema) = schema.and_then(|(_, media)| media.get("schema")) else {
            return Ok(None);
        };
        let mut definitions = Definitions::new(Direction::FromApi, self.room);
        let read = self.object(schema, &mut definitions);
        self.room -= definitions.taken_of(self.room);
        match read {
            Err(Unusable::LeftOut(_)) => Ok(None),
            read => read,
        }
    }

    fn object(
        &self,
        schema: &'a Value,
        definitions: &mut Definitions,
    ) -> Result<Option<Map<String, Value>>, Unusable> {
        let Value::Object(mut schema) = self.document.schema(schema, definitions)? else {
            return Ok(None);
        };
        definitions.add_to(&mut schema, self.document)?;
        // Other schemas are nothing that every revision can promise.
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        Ok((is_object && check(&schema).is_ok()).then_some(schema))
    }
}

impl ApiOperation {
    /// The name of the tool.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.tool.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }

    /// Which operation it is, and how its arguments travel.
    #[must_use]
    pub fn shape(&self) -> &str {
        let meta = self.tool.get("_meta").and_then(|meta| meta.get(OPERATION));
        meta.and_then(Value::as_str).unwrap_or_default()
    }

    /// As people call it: `GET /pets`.
    #[must_use]
    pub fn place(&self) -> String {
        let shape = self.shape();
        shape.split(';').next().unwrap_or(shape).to_owned()
    }

    /// Holds arguments against what the tool takes.
    pub fn check_arguments(&self, arguments: &Map<String, Value>) -> Result<(), String> {
        let schema = self.tool.get("inputSchema");
        let compiled = self.of_arguments.get_or_init(|| compile(schema?).ok());
        let (Some(validator), Some(schema)) = (compiled, schema) else {
            return Err("the arguments can't be checked".to_owned());
        };
        let arguments = Value::Object(arguments.clone());
        if !effort::is_bearable(schema, &arguments) {
            return Err("it takes too long to check the arguments".to_owned());
        }
        let checked = validator.validate(&arguments);
        checked.map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() {
                "the arguments"
            } else {
                &place
            };
            format!("{}: {}", shown(place), shown(&error.to_string()))
        })
    }

    /// True where the tool says of what schema its answers are.
    #[must_use]
    pub fn is_structured(&self) -> bool {
        self.tool.contains_key("outputSchema")
    }

    /// True for an answer that is as the tool says.
    #[must_use]
    pub fn is_as_promised(&self, answer: &Value) -> bool {
        let schema = self.tool.get("outputSchema");
        let compiled = self.of_answers.get_or_init(|| compile(schema?).ok());
        let (Some(validator), Some(schema)) = (compiled, schema) else {
            return false;
        };
        effort::is_bearable(schema, answer) && validator.is_valid(answer)
    }
}

/// What is said of single fields of a form (OpenAPI 3.1 §4.8.15).
fn fields(form: &Value) -> Result<BTreeMap<String, (ParameterStyle, bool)>, Unusable> {
    let encoding = form.get("encoding").and_then(Value::as_object);
    let mut fields = BTreeMap::new();
    for (name, described) in encoding.into_iter().flatten() {
        let style = described.get("style").and_then(Value::as_str);
        let explode = described.get("explode").and_then(Value::as_bool);
        if style.is_none() && explode.is_none() {
            continue;
        }
        let style = query_style(style.unwrap_or("form"))?;
        let explode = explode.unwrap_or(style == ParameterStyle::Form);
        fields.insert(name.clone(), (style, explode));
    }
    Ok(fields)
}

fn json_of(content: &Map<String, Value>) -> Option<(&str, &Value)> {
    let found = content.iter().find(|(kind, _)| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        matches!(
            essence.as_str(),
            "application/json" | "application/*" | "*/*"
        ) || (essence.starts_with("application/") && essence.ends_with("+json"))
    });
    found.map(|(kind, media)| (kind.as_str(), media))
}

/// Which operation it is and how its parameters travel, for people and for comparison.
fn shape(
    (method, path): (&Method, &str),
    parameters: &[ApiParameter],
    body: Option<&ApiBody>,
) -> String {
    let mut shape = format!("{method} {path}");
    for parameter in parameters {
        let explode = if parameter.explode { "*" } else { "" };
        let (place, name, style) = (parameter.place.name(), &parameter.name, parameter.style);
        // Writing into a string can't fail.
        let _ = write!(shape, "; {place} {name} {style:?}{explode}");
    }
    match body.map(|body| &body.kind) {
        None => {}
        Some(ApiBodyKind::Json(kind)) => {
            let _ = write!(shape, "; body {kind}");
        }
        Some(ApiBodyKind::Form(fields)) => {
            shape += "; body form";
            for (name, (style, explode)) in fields {
                let explode = if *explode { "*" } else { "" };
                let _ = write!(shape, ", {name} {style:?}{explode}");
            }
        }
    }
    shape
}

/// Whether values can be held against the schema.
fn check(schema: &Map<String, Value>) -> Result<(), String> {
    compile(&Value::Object(schema.clone())).map(|_| ())
}

fn compile(schema: &Value) -> Result<Validator, String> {
    // These take no longer than the text is long; what looks ahead or back is none of them.
    let patterns = PatternOptions::regex().size_limit(LARGEST_PATTERN);
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(patterns);
    let compiled = options.build(schema);
    compiled.map_err(|error| shown(&error.to_string()))
}
