//! JSON that everybody reads alike: no member twice, and not nested without end (RFC 8259 §4, §9).

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// The bytes are no JSON that everybody would read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no JSON that everybody reads alike")]
pub struct NotStrict;

/// How deep arrays and objects of a message may nest.
pub const MESSAGE_DEPTH: u8 = 64;

/// Reads any JSON value, but refuses one that is nested too deep or names a member twice.
#[derive(Clone, Copy)]
struct Strict {
    /// How many more arrays and objects may be around the value.
    depth: u8,
}

/// Reads the one value of `bytes`, with its members in their order. Arrays and objects may nest
/// `depth` deep, and nowhere deeper than 127.
pub fn strict_json(bytes: &[u8], depth: u8) -> Result<Value, NotStrict> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    read_strictly(&mut json, depth)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|_| NotStrict)
}

/// The same from a reader of any format, which says what is wrong.
pub(super) fn read_strictly<'de, D: Deserializer<'de>>(
    reader: D,
    depth: u8,
) -> Result<Value, D::Error> {
    Strict { depth }.deserialize(reader)
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = deeper(self.depth)?;
        Ok(Self { depth })
    }
}

/// How many more arrays and objects may be around what is within one.
pub(super) fn deeper<E: Error>(depth: u8) -> Result<u8, E> {
    let depth = depth.checked_sub(1);
    depth.ok_or_else(|| E::custom("nested too deep"))
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a number of JSON"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key()? {
            let value = members.next_value_seed(inner)?;
            // RFC 8259 §4 lets readers disagree about which of two members counts.
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is named twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// The members of an object, and one of them as it was written.
pub type MembersBut<'de> = (Map<String, Value>, Option<&'de RawValue>);

/// Reads the one object of `bytes` as [`strict_json`] does, but for its member `left`: that is left as it
/// was written, and not looked at.
pub fn strict_members_but<'de>(
    bytes: &'de [u8],
    depth: u8,
    left: &str,
) -> Result<MembersBut<'de>, NotStrict> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    json.deserialize_map(MembersVisitor { depth, left })
        .and_then(|members| json.end().map(|()| members))
        .map_err(|_| NotStrict)
}

struct MembersVisitor<'a> {
    depth: u8,
    left: &'a str,
}

impl<'de> Visitor<'de> for MembersVisitor<'_> {
    type Value = MembersBut<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let inner = Strict { depth: self.depth }.deeper()?;
        let (mut object, mut left) = (Map::new(), None);
        while let Some(Name(name)) = members.next_key_seed(NameSeed)? {
            let is_new = if name == self.left {
                left.replace(members.next_value()?).is_none()
            } else {
                let value = members.next_value_seed(inner)?;
                object.insert(name.into_owned(), value).is_none()
            };
            if !is_new {
                return Err(A::Error::custom("a member is named twice"));
            }
        }
        Ok((object, left))
    }
}

/// A name, which is borrowed where the text has it as it is.
pub(super) struct Name<'de>(pub(super) Cow<'de, str>);

pub(super) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Name<'de>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k06_one_member_is_left_and_all_others_are_read_strictly() {
        let text = br#"{"a":1,"left":{"b":1, "b":2},"c":[]}"#;
        let (members, left) = strict_members_but(text, 4, "left").unwrap();
        assert_eq!(
            Value::Object(members),
            serde_json::json!({ "a": 1, "c": [] })
        );
        assert_eq!(left.unwrap().get(), r#"{"b":1, "b":2}"#);
        for text in [
            r#"{"left":1,"left":2}"#,
            r#"{"left":1,"\u006ceft":2}"#,
            r#"{"a":1,"a":2,"left":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"left":1} {}"#,
            r#"{"left":}"#,
            "[]",
        ] {
            assert!(
                strict_members_but(text.as_bytes(), 4, "left").is_err(),
                "{text}"
            );
        }
    }
}
