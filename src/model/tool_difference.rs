//! What is different between two definitions of a tool, told by what it means.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ToolDefinition;
use super::tool_definition::HINTS;

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolDifference {
    /// What kind of thing.
    pub kind: DifferenceKind,
    /// Where: a parameter as `filter.owner`, a member of the result, an annotation, a member.
    pub at: String,
    /// What was there.
    pub before: Option<String>,
    /// What is there now.
    pub after: Option<String>,
}

/// Kinds of differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is called something else.
    Renamed,
    /// It is described with other words.
    Description,
    /// A parameter appeared; `after` says whether it is required.
    ParameterAppeared,
    /// A parameter is gone.
    ParameterGone,
    /// A parameter became required.
    ParameterRequired,
    /// A parameter may be left out now.
    ParameterOptional,
    /// Something about a parameter is different.
    ParameterChanged,
    /// Something about the result is different.
    ResultChanged,
    /// An annotation turned.
    Annotation,
    /// Another member is different.
    Other,
}

/// How much of a text is told before and after where it differs.
const CONTEXT: usize = 40;
const LONGEST: usize = 600;

/// How many differences are told.
const MOST: usize = 100;

/// What is different in `now`.
#[must_use]
pub fn tool_differences(before: &ToolDefinition, now: &ToolDefinition) -> Vec<ToolDifference> {
    let mut told = Told(Vec::new());
    let (before, now) = (before.members(), now.members());
    for name in names(before, now) {
        let (old, new) = (before.get(name), now.get(name));
        if old == new {
            continue;
        }
        match name {
            "name" => told.add(DifferenceKind::Renamed, name, (old, new)),
            "description" => told.add(DifferenceKind::Description, name, (old, new)),
            "inputSchema" => told.schema(DifferenceKind::ParameterChanged, "", (old, new)),
            "outputSchema" => told.schema(DifferenceKind::ResultChanged, "", (old, new)),
            "annotations" => told.annotations((old, new)),
            _ => told.add(DifferenceKind::Other, name, (old, new)),
        }
    }
    told.0.truncate(MOST);
    told.0
}

/// A value before and after.
type Two<'a> = (Option<&'a Value>, Option<&'a Value>);

struct Told(Vec<ToolDifference>);

impl Told {
    fn add(&mut self, kind: DifferenceKind, at: &str, (before, after): Two<'_>) {
        let text = |value: &Value| {
            let text = value.as_str().map(str::to_owned);
            text.unwrap_or_else(|| value.to_string())
        };
        let (before, after) = (before.map(text), after.map(text));
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = around(&before, &after);
                (Some(before), Some(after))
            }
            (before, after) => {
                let cut = |text: String| cut_out(&text.chars().collect::<Vec<_>>(), 0, LONGEST);
                (before.map(cut), after.map(cut))
            }
        };
        self.0.push(ToolDifference {
            kind,
            at: at.to_owned(),
            before,
            after,
        });
    }

    fn annotations(&mut self, (before, after): Two<'_>) {
        let none = Map::new();
        let object = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned();
        let (before, after) = (
            object(before).unwrap_or_else(|| none.clone()),
            object(after).unwrap_or(none),
        );
        for name in names(&before, &after) {
            let usual = HINTS.iter().find(|(hint, _)| *hint == name);
            let usual = usual.map(|(_, usual)| Value::Bool(*usual));
            let old = before.get(name).or(usual.as_ref());
            let new = after.get(name).or(usual.as_ref());
            if old != new {
                self.add(DifferenceKind::Annotation, name, (old, new));
            }
        }
    }

    /// Two schemas of what is at `at`.
    fn schema(&mut self, kind: DifferenceKind, at: &str, (before, after): Two<'_>) {
        if before == after {
            return;
        }
        let (Some(Value::Object(before)), Some(Value::Object(after))) = (before, after) else {
            return self.add(kind, at, (before, after));
        };
        for name in names(before, after) {
            let (old, new) = (before.get(name), after.get(name));
            match name {
                "properties" => self.properties(kind, at, (before, after)),
                // Told of each one.
                "required" => {}
                _ if old == new => {}
                "items" => self.schema(kind, &format!("{at}[]"), (old, new)),
                "additionalProperties" => self.schema(kind, &format!("{at}.*"), (old, new)),
                _ if at.is_empty() => self.add(kind, name, (old, new)),
                _ => self.add(kind, &format!("{at}: {name}"), (old, new)),
            }
        }
        // A name may be required of which nothing else is said.
        let is_said = before.contains_key("properties") || after.contains_key("properties");
        if !is_said && before.get("required") != after.get("required") {
            let required = (before.get("required"), after.get("required"));
            self.add(kind, &format!("{at}: required"), required);
        }
    }

    fn properties(
        &mut self,
        kind: DifferenceKind,
        at: &str,
        (before, after): (&Map<String, Value>, &Map<String, Value>),
    ) {
        let none = Map::new();
        let of = |schema: &Map<String, Value>| match schema.get("properties") {
            Some(Value::Object(properties)) => properties.clone(),
            _ => none.clone(),
        };
        let (old, new) = (of(before), of(after));
        let (needed, needs) = (required(before), required(after));
        let known: BTreeSet<&str> = names(&old, &new);
        let all = known.iter().copied().chain(needed.iter().copied());
        let all: BTreeSet<&str> = all.chain(needs.iter().copied()).collect();
        for name in all {
            let place = if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}.{name}")
            };
            let is_input = kind == DifferenceKind::ParameterChanged;
            let kind_of = |input| if is_input { input } else { kind };
            let need = |needs: bool| Value::from(if needs { "required" } else { "optional" });
            let (was, is) = (need(needed.contains(name)), need(needs.contains(name)));
            let two = (old.get(name), new.get(name));
            match two {
                (None, Some(_)) => {
                    let kind = kind_of(DifferenceKind::ParameterAppeared);
                    self.add(kind, &place, (None, Some(&is)));
                    continue;
                }
                (Some(_), None) => {
                    let kind = kind_of(DifferenceKind::ParameterGone);
                    self.add(kind, &place, (Some(&was), None));
                    continue;
                }
                _ => {}
            }
            let turned = if needs.contains(name) {
                DifferenceKind::ParameterRequired
            } else {
                DifferenceKind::ParameterOptional
            };
            if was != is {
                self.add(kind_of(turned), &place, (Some(&was), Some(&is)));
            }
            self.schema(kind, &place, two);
        }
    }
}

fn required(schema: &Map<String, Value>) -> BTreeSet<&str> {
    let names = schema.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

fn names<'a>(one: &'a Map<String, Value>, other: &'a Map<String, Value>) -> BTreeSet<&'a str> {
    let names = one.keys().chain(other.keys());
    names.map(String::as_str).collect()
}

/// The parts of two texts around where they differ.
fn around(before: &str, after: &str) -> (String, String) {
    let (before, after): (Vec<char>, Vec<char>) =
        (before.chars().collect(), after.chars().collect());
    let pairs = before.iter().zip(&after);
    let same = pairs.take_while(|(one, other)| one == other).count();
    let start = if before.len().max(after.len()) <= LONGEST {
        0
    } else {
        same.saturating_sub(CONTEXT)
    };
    (
        cut_out(&before, start, LONGEST),
        cut_out(&after, start, LONGEST),
    )
}

fn cut_out(text: &[char], start: usize, most: usize) -> String {
    let shown = text.get(start..).unwrap_or_default();
    let part: String = shown.iter().take(most).collect();
    let (head, tail) = (start > 0, shown.len() > most);
    format!(
        "{}{part}{}",
        if head { "…" } else { "" },
        if tail { "…" } else { "" }
    )
}

impl fmt::Display for ToolDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        let nothing = "nothing".to_owned();
        let shown = |text: &Option<String>| text.as_ref().map(|text| format!("{text:?}"));
        let before = shown(&self.before).unwrap_or_else(|| nothing.clone());
        let after = shown(&self.after).unwrap_or(nothing);
        let need = |need: &Option<String>| need.clone().unwrap_or_default();
        match self.kind {
            DifferenceKind::Renamed => write!(f, "its name was {before} and is {after}"),
            DifferenceKind::Description => {
                write!(f, "its description was {before} and is {after}")
            }
            DifferenceKind::ParameterAppeared => {
                write!(f, "the parameter {at:?} appeared ({})", need(&self.after))
            }
            DifferenceKind::ParameterGone => {
                write!(f, "the parameter {at:?} is gone ({})", need(&self.before))
            }
            DifferenceKind::ParameterRequired => write!(f, "the parameter {at:?} became required"),
            DifferenceKind::ParameterOptional => write!(f, "the parameter {at:?} became optional"),
            DifferenceKind::ParameterChanged => {
                write!(f, "the parameters, {at:?}: {before} became {after}")
            }
            DifferenceKind::ResultChanged => {
                write!(f, "the result, {at:?}: {before} became {after}")
            }
            DifferenceKind::Annotation => {
                write!(f, "the annotation {at:?} turned from {before} to {after}")
            }
            DifferenceKind::Other => write!(f, "{at:?} was {before} and is {after}"),
        }
    }
}
