//! JSON that everybody reads alike: no member twice, and not nested without end (RFC 8259 §4, §9).

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
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
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { depth })
    }
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
