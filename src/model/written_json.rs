//! JSON that stays as it is written: held against what everybody reads alike (RFC 8259 §4, §9), and taken apart into
//! its members.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::strict_json::{Name, NameSeed, NotStrict, deeper};

/// The name of a member in a text that is looked at.
#[derive(Debug)]
pub struct Named<'a> {
    /// The name.
    pub name: &'a str,
    /// True where it is a member of the whole.
    pub is_outermost: bool,
    /// True where the text has other characters for it, which stand for these.
    pub is_escaped: bool,
}

/// Holds `text` against what [`strict_json`](super::strict_json()) takes, without making anything of it. `note` hears the name of
/// every member.
pub fn check_strictly(
    text: &str,
    depth: u8,
    note: &mut dyn FnMut(&Named<'_>),
) -> Result<(), NotStrict> {
    let mut json = serde_json::Deserializer::from_str(text);
    let (around, mut names) = (depth, Vec::new());
    let check = Check {
        depth,
        around,
        note,
        names: &mut names,
    };
    check
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|_| NotStrict)
}

/// How many names of one object are held against each other one by one.
const FEW: usize = 32;

struct Check<'a, 'de> {
    /// How many more arrays and objects may be around the value.
    depth: u8,
    /// How many might be around the whole.
    around: u8,
    note: &'a mut dyn FnMut(&Named<'_>),
    /// The names of the objects around the value, as far as they are read.
    names: &'a mut Vec<Cow<'de, str>>,
}

impl<'de> Check<'_, 'de> {
    fn inner(&mut self, depth: u8) -> Check<'_, 'de> {
        Check {
            depth,
            around: self.around,
            note: self.note,
            names: self.names,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let is_number = value.is_finite().then_some(());
        is_number.ok_or_else(|| E::custom("not a number of JSON"))
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let depth = deeper(self.depth)?;
        while items.next_element_seed(self.inner(depth))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let depth = deeper(self.depth)?;
        let is_outermost = self.depth == self.around;
        let first = self.names.len();
        let mut many = HashSet::new();
        while let Some(Name(name)) = members.next_key_seed(NameSeed)? {
            let so_far = self.names.get(first..).unwrap_or_default();
            // RFC 8259 §4 lets readers disagree about which of two members counts.
            let mut is_new = !so_far.contains(&name) && !many.contains(&name);
            let is_escaped = matches!(name, Cow::Owned(_));
            (self.note)(&Named {
                name: &name,
                is_outermost,
                is_escaped,
            });
            if so_far.len() < FEW {
                self.names.push(name);
            } else {
                is_new &= many.insert(name);
            }
            if !is_new {
                return Err(A::Error::custom("a member is named twice"));
            }
            members.next_value_seed(self.inner(depth))?;
        }
        self.names.truncate(first);
        Ok(())
    }
}

/// The members of the object that `text` is, in their order, each as it is written.
pub fn written_members(text: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, NotStrict> {
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(WrittenVisitor).map_err(|_| NotStrict)
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Name(name)) = members.next_key_seed(NameSeed)? {
            all.push((name, members.next_value()?));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::strict_json;

    fn check(text: &str, depth: u8) -> Result<Vec<(String, bool, bool)>, NotStrict> {
        let mut names = Vec::new();
        let mut note = |named: &Named<'_>| {
            names.push((named.name.to_owned(), named.is_outermost, named.is_escaped));
        };
        check_strictly(text, depth, &mut note).map(|()| names)
    }

    #[test]
    fn k06_what_is_checked_is_what_would_be_read() {
        let many: Vec<String> = (0..100).map(|number| format!("\"{number}\":0")).collect();
        let many = many.join(",");
        for text in [
            "{}",
            "[]",
            "null",
            "1.5e300",
            r#""\u00e9""#,
            r#"{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":1}}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"b":{"c":1},"a":2}}"#,
            r#"{"a":1e400}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            r#"{"a":1} {}"#,
            r#"{"a":1,}"#,
            "{\"a\":\"\n\"}",
            "[[[[1]]]]",
            "[[[[[1]]]]]",
            "[[[{\"a\":[1]}]]]",
            "",
            &format!("{{{many}}}"),
            &format!("{{{many},\"3\":1}}"),
            &format!("{{{many},\"77\":1}}"),
        ] {
            let read = strict_json(text.as_bytes(), 4);
            assert_eq!(check(text, 4).is_ok(), read.is_ok(), "{text}");
        }
    }

    #[test]
    fn names_are_heard_as_they_are_meant() {
        let heard = check(r#"{"a":{"b":1},"\u0063":[{"d":1}]}"#, 9).unwrap();
        let heard: Vec<_> = heard
            .iter()
            .map(|(name, top, escaped)| (name.as_str(), *top, *escaped))
            .collect();
        let expected = [
            ("a", true, false),
            ("b", false, false),
            ("c", true, true),
            ("d", false, false),
        ];
        assert_eq!(heard, expected);
    }
}
