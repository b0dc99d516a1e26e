//! The parameters of an operation (OpenAPI 3.1 §4.8.12), as arguments of a tool.

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::operation::Reader;
use super::schema::{Definitions, Unusable};

/// A parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// What the tool calls it.
    pub(super) argument: String,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) is_required: bool,
    pub(super) style: Style,
    pub(super) explode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

/// How a value is written (OpenAPI 3.1 §4.8.12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
    /// As one JSON text (`content`).
    Json,
}

/// Headers that say how a message travels, or whose it is: the gateway's own business.
const OWN_HEADERS: [&str; 16] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl<'a> Reader<'a> {
    /// The parameters of the path and of the operation, of which the latter count.
    pub(super) fn parameters(
        &self,
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<Vec<&'a Value>, Unusable> {
        let mut all: Vec<&Value> = Vec::new();
        for of in [item, operation] {
            let described = of.get("parameters").and_then(Value::as_array);
            for parameter in described.into_iter().flatten() {
                let parameter = self.document.resolve(parameter)?;
                let key = |it: &Value| (it.get("name").cloned(), it.get("in").cloned());
                all.retain(|known| key(known) != key(parameter));
                all.push(parameter);
            }
        }
        Ok(all)
    }

    /// A parameter and its schema; none for one that is not the caller's to say.
    pub(super) fn parameter(
        &self,
        described: &'a Value,
        taken: &Map<String, Value>,
        definitions: &mut Definitions,
    ) -> Result<Option<(Parameter, Value)>, Unusable> {
        let text = |name: &str| described.get(name).and_then(Value::as_str);
        let name = text("name").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Unusable("a parameter has no name".to_owned()))?;
        let flag = |name: &str| described.get(name).and_then(Value::as_bool);
        let is_required = flag("required").unwrap_or_default();
        let place = match text("in") {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            Some("header") if self.is_own(name) => return Ok(None),
            Some("header") if name.parse::<HeaderName>().is_ok() => Place::Header,
            Some("cookie") if !is_required => return Ok(None),
            _ => {
                return Err(Unusable(format!(
                    "the parameter {name:?} is nowhere it can be"
                )));
            }
        };
        let content = described.get("content").and_then(Value::as_object);
        let (style, schema) = match content {
            Some(content) => {
                let json = content.get("application/json");
                let json = json.ok_or_else(|| Unusable(format!("{name:?} is not JSON")))?;
                (Style::Json, json.get("schema"))
            }
            None => (style(text("style"), place)?, described.get("schema")),
        };
        let schema = schema.map(|schema| self.document.schema(schema, definitions));
        let mut schema = schema.transpose()?.unwrap_or_else(|| json!({}));
        if let (Some(words), Value::Object(schema)) = (text("description"), &mut schema) {
            schema.insert("description".to_owned(), Value::from(words));
        }
        let argument = if taken.contains_key(name) {
            format!("{}_{name}", place.as_str())
        } else {
            name.to_owned()
        };
        if taken.contains_key(&argument) {
            return Err(Unusable(format!("several parameters are called {name:?}")));
        }
        let parameter = Parameter {
            argument,
            name: name.to_owned(),
            place,
            is_required: is_required || place == Place::Path,
            explode: flag("explode").unwrap_or(style == Style::Form),
            style,
        };
        Ok(Some((parameter, schema)))
    }

    /// True for a header that no caller sets.
    fn is_own(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        OWN_HEADERS.contains(&lower.as_str())
            || lower.starts_with("x-forwarded-")
            || self.credential.is_some_and(|own| own.as_str() == lower)
    }
}

impl Place {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

fn style(said: Option<&str>, place: Place) -> Result<Style, Unusable> {
    Ok(match (said, place) {
        (None | Some("simple"), Place::Path | Place::Header) => Style::Simple,
        (Some("label"), Place::Path) => Style::Label,
        (Some("matrix"), Place::Path) => Style::Matrix,
        (None | Some("form"), Place::Query) => Style::Form,
        (Some("spaceDelimited"), Place::Query) => Style::SpaceDelimited,
        (Some("pipeDelimited"), Place::Query) => Style::PipeDelimited,
        (Some("deepObject"), Place::Query) => Style::DeepObject,
        (Some(other), _) => {
            let reason = format!(
                "the style {other:?} is none of a {} parameter",
                place.as_str()
            );
            return Err(Unusable(reason));
        }
    })
}

/// Every name in braces is a parameter, and every parameter of the path has its braces.
pub(super) fn check_path(path: &str, parameters: &[Parameter]) -> Result<(), Unusable> {
    let mut rest = path.to_owned();
    for parameter in parameters.iter().filter(|it| it.place == Place::Path) {
        let braces = format!("{{{}}}", parameter.name);
        if !rest.contains(&braces) {
            return Err(Unusable(format!("its path has no {braces}")));
        }
        rest = rest.replace(&braces, "");
    }
    if rest.contains(['{', '}']) {
        return Err(Unusable(
            "a parameter of its path is not described".to_owned(),
        ));
    }
    Ok(())
}
