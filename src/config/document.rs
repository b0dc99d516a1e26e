//! The configuration as one document: the file, then what the environment puts in its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::problem::{KeyPath, Origin, Problem, Problems, shown};
use super::sections::Sources;

/// The environment of a process, read once where the process begins.
pub type Environment = BTreeMap<String, String>;

/// What every variable that overrides a key begins with; the keys follow, two underscores apart.
const PREFIX: &str = "GATEHOUSE__";

/// The merged document, which remembers where each value came from.
#[derive(Debug, Default)]
pub(super) struct Document {
    value: Value,
    file: Option<String>,
    lines: BTreeMap<KeyPath, usize>,
    variables: BTreeMap<KeyPath, String>,
}

impl Document {
    /// Reads TOML; `file` is the name that problems give it, none for the embedded default.
    pub(super) fn read(text: &str, file: Option<String>) -> Result<Self, Problems> {
        let mut document = Self {
            file,
            ..Self::default()
        };
        let table = DeTable::parse(text)
            .map_err(|error| Problems::new(vec![document.syntax_problem(text, &error)]))?;
        document.value = document.read_table(text, &KeyPath::default(), table.get_ref());
        Ok(document)
    }

    /// A document that was read before; `name` is what problems call it.
    pub(super) fn of(value: Value, name: String) -> Self {
        Self {
            value,
            file: Some(name),
            ..Self::default()
        }
    }

    /// Puts the values of the environment in place: what the platform sets first, so that a
    /// variable of Gatehouse's own wins over it.
    pub(super) fn merge(&mut self, environment: &Environment) -> Option<Problem> {
        let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        if let Some(url) = set("DATABASE_URL") {
            let path = KeyPath::of(["database", "url"]);
            self.put(path, "DATABASE_URL", Value::from(url.as_str()));
        }
        let port = set("PORT").map(|port| (port, port.parse::<u16>()));
        if let Some((_, Ok(port))) = port {
            let path = KeyPath::of(["server", "listen"]);
            self.put(path, "PORT", Value::from(format!("0.0.0.0:{port}")));
        }
        for (name, text) in environment {
            if let Some(keys) = name.strip_prefix(PREFIX) {
                let path = KeyPath::of(keys.split("__").map(str::to_ascii_lowercase));
                let value = literal(text).unwrap_or_else(|| Value::from(text.as_str()));
                self.put(path, name, value);
            }
        }
        match port {
            Some((text, Err(_))) => Some(Problem {
                origin: Origin::Variable("PORT".to_owned()),
                path: "server.listen".to_owned(),
                found: format!("{text:?}"),
                expected: "a port number".to_owned(),
            }),
            Some((_, Ok(_))) | None => None,
        }
    }

    /// The whole document.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// The value at `path`; `Null`, which TOML can't write, where there is none.
    pub(super) fn at(&self, path: &KeyPath) -> &Value {
        let mut value = &self.value;
        for key in path.keys() {
            let below = match value {
                Value::Array(items) => key.parse().ok().and_then(|at: usize| items.get(at)),
                Value::Object(members) => members.get(key),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            value = below.unwrap_or(&Value::Null);
        }
        value
    }

    /// Takes out the value at `path`, so that the rest can be read without it. An item of a list
    /// takes the list with it: the other items keep their numbers that way.
    pub(super) fn remove(&mut self, path: &KeyPath) {
        let mut path = path.clone();
        while let (Some(key), Some(parent)) = (path.keys().last(), path.parent()) {
            let pointer: String = parent.keys().iter().map(|key| pointer_step(key)).collect();
            if let Some(Value::Object(members)) = self.value.pointer_mut(&pointer) {
                members.remove(key);
                return;
            }
            path = parent;
        }
        self.value = Value::Object(Map::new());
    }

    /// Where the value at `path` came from, or something in it, or the nearest table around it.
    pub(super) fn origin(&self, path: &KeyPath) -> Origin {
        let within = || self.variables.iter().find(|(set, _)| path.contains(set));
        let around = || {
            std::iter::successors(path.parent(), KeyPath::parent)
                .find_map(|place| self.origin_of(&place))
        };
        self.origin_of(path)
            .or_else(|| within().map(|(_, name)| Origin::Variable(name.clone())))
            .or_else(around)
            .unwrap_or_else(|| self.file_origin(None))
    }

    /// The file, and each variable that had its say.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            file: self.file.clone(),
            variables: self.variables.values().cloned().collect(),
            files: Vec::new(),
        }
    }

    /// A problem with what stands at `path`.
    pub(super) fn problem(&self, path: &KeyPath, expected: impl Into<String>) -> Problem {
        Problem {
            origin: self.origin(path),
            path: path.to_string(),
            found: shown(path, self.at(path)),
            expected: expected.into(),
        }
    }

    fn put(&mut self, path: KeyPath, variable: &str, value: Value) {
        let mut place = &mut self.value;
        for key in path.keys() {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(members) = place else {
                return;
            };
            place = members.entry(key.clone()).or_insert(Value::Null);
        }
        *place = value;
        self.lines.retain(|line, _| !path.contains(line));
        self.variables.retain(|set, _| !path.contains(set));
        self.variables.insert(path, variable.to_owned());
    }

    fn read_table(&mut self, text: &str, path: &KeyPath, table: &DeTable<'_>) -> Value {
        let mut members = Map::new();
        for (key, value) in table {
            let place = path.join(key.get_ref());
            let (line, _) = line_and_column(text, key.span().start);
            self.lines.insert(place.clone(), line);
            let value = self.read_value(text, &place, value.get_ref());
            members.insert(key.get_ref().to_string(), value);
        }
        Value::Object(members)
    }

    fn read_value(&mut self, text: &str, path: &KeyPath, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::Table(table) => self.read_table(text, path, table),
            DeValue::Array(items) => items
                .iter()
                .enumerate()
                .map(|(position, item)| {
                    let place = path.join(position);
                    let (line, _) = line_and_column(text, item.span().start);
                    self.lines.insert(place.clone(), line);
                    self.read_value(text, &place, item.get_ref())
                })
                .collect(),
            DeValue::String(string) => Value::from(string.as_ref()),
            DeValue::Integer(digits) => {
                match i64::from_str_radix(digits.as_str(), digits.radix()) {
                    Ok(number) => Value::from(number),
                    Err(_) => Value::from(digits.as_str()),
                }
            }
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::from(number),
                Ok(_) | Err(_) => Value::from(digits.as_str()),
            },
            DeValue::Boolean(boolean) => Value::from(*boolean),
            DeValue::Datetime(datetime) => Value::from(datetime.to_string()),
        }
    }

    fn origin_of(&self, place: &KeyPath) -> Option<Origin> {
        let variable = self.variables.get(place).cloned().map(Origin::Variable);
        let line = || {
            self.lines
                .get(place)
                .map(|line| self.file_origin(Some(*line)))
        };
        variable.or_else(line)
    }

    fn file_origin(&self, line: Option<usize>) -> Origin {
        let file = self.file.clone();
        file.map_or(Origin::Default, |name| Origin::File {
            name,
            line,
            column: None,
        })
    }

    fn syntax_problem(&self, text: &str, error: &toml::de::Error) -> Problem {
        let place = error.span().map(|span| line_and_column(text, span.start));
        Problem {
            origin: Origin::File {
                name: self.file.clone().unwrap_or_default(),
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
            },
            path: String::new(),
            // Without the line itself, which the error could quote: there may be a secret on it.
            found: format!("no TOML ({})", error.message()),
            expected: "a TOML document".to_owned(),
        }
    }
}

/// What `text` says as a TOML value, if it is one.
fn literal(text: &str) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    Some(Document::default().read_value(text, &KeyPath::default(), value.get_ref()))
}

/// One step of a JSON Pointer (RFC 6901 §3).
fn pointer_step(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The line and column of the byte at `offset`, both from one.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}
