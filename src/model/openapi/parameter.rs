//! The parameters of an operation (OpenAPI 3.1 §4.8.12), as arguments of a tool.

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::operation::Reading;
use super::schema::{Definitions, Unusable};
use super::shown;
use super::tool::BODY;

/// A parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiParameter {
    /// What the tool calls it.
    pub argument: String,
    /// What the API calls it.
    pub name: String,
    /// Where it is in a request.
    pub place: ParameterPlace,
    /// True where no request goes without it.
    pub is_required: bool,
    /// How its value is written.
    pub style: ParameterStyle,
    /// Whether each value of a list or an object is one of its own.
    pub explode: bool,
}

/// Where a parameter is in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterPlace {
    /// A piece of the path.
    Path,
    /// In the query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

/// How a value is written (OpenAPI 3.1 §4.8.12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterStyle {
    /// `a,b`
    Simple,
    /// `.a,b`
    Label,
    /// `;name=a,b`
    Matrix,
    /// `name=a&name=b`, or `name=a,b`
    Form,
    /// `name=a%20b`
    SpaceDelimited,
    /// `name=a%7Cb`
    PipeDelimited,
    /// `name[key]=a`
    DeepObject,
    /// As one JSON text (`content`).
    Json,
}

/// Headers that say how a message travels, whose it is or what is done with it: no argument does.
const OWN_HEADERS: [&str; 20] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];
const OWN_PREFIXES: [&str; 2] = ["proxy-", "x-forwarded-"];

impl<'a> Reading<'a> {
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
        (taken, has_body): (&Map<String, Value>, bool),
        definitions: &mut Definitions,
    ) -> Result<Option<(ApiParameter, Value)>, Unusable> {
        let text = |name: &str| described.get(name).and_then(Value::as_str);
        let flag = |name: &str| described.get(name).and_then(Value::as_bool);
        let name = text("name").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Unusable::mistake("a parameter has no name"))?;
        let shown_name = shown(name);
        let place = text("in").and_then(ParameterPlace::named).ok_or_else(|| {
            Unusable::mistake(format!(
                "the parameter {shown_name:?} is in none of path, query, header and cookie"
            ))
        })?;
        if self.is_own(place, name) {
            return Ok(None);
        }
        if place == ParameterPlace::Header && name.parse::<HeaderName>().is_err() {
            let reason = format!("no header can be called {shown_name:?}");
            return Err(Unusable::Mistake(reason));
        }
        let content = described.get("content").and_then(Value::as_object);
        let (style, schema) = match content {
            Some(content) => {
                let json = content.get("application/json");
                let reason = || format!("its parameter {shown_name:?} is in a format of its own");
                let json = json.ok_or_else(|| Unusable::left_out(reason()))?;
                (ParameterStyle::Json, json.get("schema"))
            }
            None => (place.style(text("style"))?, described.get("schema")),
        };
        let schema = schema.map(|schema| self.document.schema(schema, definitions));
        let mut schema = schema.transpose()?.unwrap_or_else(|| json!({}));
        if let (Some(words), Value::Object(schema)) = (text("description"), &mut schema) {
            definitions.take(words.len())?;
            schema.insert("description".to_owned(), Value::from(words));
        }
        let parameter = ApiParameter {
            argument: argument((name, place), taken, has_body)?,
            name: name.to_owned(),
            place,
            is_required: flag("required").unwrap_or_default() || place == ParameterPlace::Path,
            explode: flag("explode").unwrap_or(style == ParameterStyle::Form),
            style,
        };
        Ok(Some((parameter, schema)))
    }

    /// True for what no caller sets: what is the gateway's, and what its credentials are in.
    fn is_own(&self, place: ParameterPlace, name: &str) -> bool {
        let is_credential = |name: &str| self.credential.is_some_and(|own| own.as_str() == name);
        match place {
            ParameterPlace::Path | ParameterPlace::Query => false,
            ParameterPlace::Cookie => is_credential("cookie"),
            ParameterPlace::Header => {
                let lower = name.to_ascii_lowercase();
                OWN_HEADERS.contains(&lower.as_str())
                    || OWN_PREFIXES.iter().any(|own| lower.starts_with(own))
                    || is_credential(&lower)
            }
        }
    }
}

impl ParameterPlace {
    fn named(name: &str) -> Option<Self> {
        [Self::Path, Self::Query, Self::Header, Self::Cookie]
            .into_iter()
            .find(|place| place.name() == name)
    }

    /// What a document calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }

    fn style(self, said: Option<&str>) -> Result<ParameterStyle, Unusable> {
        Ok(match (said, self) {
            (None | Some("simple"), Self::Path | Self::Header) => ParameterStyle::Simple,
            (Some("label"), Self::Path) => ParameterStyle::Label,
            (Some("matrix"), Self::Path) => ParameterStyle::Matrix,
            (None | Some("form"), Self::Query | Self::Cookie) => ParameterStyle::Form,
            (Some(other), Self::Query) => query_style(other)?,
            (Some(other), _) => {
                let (other, place) = (shown(other), self.name());
                let reason = format!("the style {other:?} is none of a {place} parameter");
                return Err(Unusable::Mistake(reason));
            }
        })
    }
}

/// A style of values in a query, and in a form.
pub(super) fn query_style(name: &str) -> Result<ParameterStyle, Unusable> {
    match name {
        "form" => Ok(ParameterStyle::Form),
        "spaceDelimited" => Ok(ParameterStyle::SpaceDelimited),
        "pipeDelimited" => Ok(ParameterStyle::PipeDelimited),
        "deepObject" => Ok(ParameterStyle::DeepObject),
        other => {
            let reason = format!("the style {:?} is none of a query", shown(other));
            Err(Unusable::Mistake(reason))
        }
    }
}

/// What a tool calls the parameter: its name, as far as every client can have it.
fn argument(
    (name, place): (&str, ParameterPlace),
    taken: &Map<String, Value>,
    has_body: bool,
) -> Result<String, Unusable> {
    const LONGEST: usize = 64;
    let plain = |c: char| {
        let fits = c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if fits { c } else { '_' }
    };
    let whole: String = name.chars().map(plain).collect();
    let whole = whole.trim_matches('_');
    let longer = format!("{}_{whole}", place.name());
    let free = |candidate: &&str| {
        let is_taken = taken.contains_key(*candidate) || (has_body && *candidate == BODY);
        !is_taken && !candidate.is_empty() && candidate.len() <= LONGEST
    };
    let found = [whole, &longer].into_iter().find(free);
    found.map(str::to_owned).ok_or_else(|| {
        let reason = format!(
            "its parameter {:?} can have no name of its own",
            shown(name)
        );
        Unusable::LeftOut(reason)
    })
}
