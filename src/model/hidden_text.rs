//! Text that people don't see and models read: characters without a look of their own (Unicode
//! `Default_Ignorable_Code_Point`, UAX #44), controls, and marks that turn the direction of writing.

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};
use serde_json::Value;

/// Where something is hidden, and by which character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hidden text: {} has U+{:04X}", .place.escape_debug(), u32::from(*.character))]
pub struct HiddenText {
    /// The members that lead there.
    pub place: String,
    /// The first character that hides something.
    pub character: char,
}

/// How much of a place is told.
const LONGEST_PLACE: usize = 120;

/// The first place of `value`, names of members included, where something is hidden.
pub fn check_visible(value: &Value) -> Result<(), HiddenText> {
    search(value, &mut Vec::new())
}

/// The first character of `text` that hides something.
#[must_use]
pub fn hidden_character(text: &str) -> Option<char> {
    // Most text is nothing but this.
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let has_use = match character {
            '\t' | '\n' | '\r' => true,
            // As in ⚠️ and 1️⃣: one, after something that is seen.
            '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|before: char| {
                is_visible(before)
                    && (!before.is_ascii() || matches!(before, '0'..='9' | '#' | '*'))
            }),
            // As in 👩‍👧 and in scripts whose letters join: one, between two that are seen.
            '\u{200c}' | '\u{200d}' => {
                let after = characters.peek().copied();
                let begins = before.is_some_and(|it| {
                    !it.is_ascii() && (is_visible(it) || matches!(it, '\u{fe0e}' | '\u{fe0f}'))
                });
                begins && after.is_some_and(|it| !it.is_ascii() && is_visible(it))
            }
            other => is_visible(other),
        };
        if !has_use {
            return Some(character);
        }
        before = Some(character);
    }
    None
}

fn is_visible(character: char) -> bool {
    // U+FFF9 to U+FFFB set text apart that is not shown; U+2800 is a pattern without dots.
    !(character.is_control()
        || matches!(character, '\u{fff9}'..='\u{fffb}' | '\u{2800}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || CodePointSetData::new::<BidiControl>().contains(character))
}

fn search(value: &Value, place: &mut Vec<String>) -> Result<(), HiddenText> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => check(text, place),
        Value::Array(items) => items.iter().try_for_each(|item| search(item, place)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check(name, place)?;
            place.push(name.clone());
            search(value, place)?;
            place.pop();
            Ok(())
        }),
    }
}

fn check(text: &str, place: &[String]) -> Result<(), HiddenText> {
    match hidden_character(text) {
        None => Ok(()),
        Some(character) => {
            let place = place.join(".");
            let place = place.chars().take(LONGEST_PLACE).collect();
            Err(HiddenText { place, character })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_in_any_script_and_emoji_pass() {
        for text in [
            "plain text,\n\twith lines",
            "Über Größen — “so” …",
            "می‌خواهم",
            "क्‍ष",
            "日本語と한국어",
            "⚠️ 👩‍👧 👁️‍🗨️ 1️⃣ 🇩🇪",
            "שלום",
        ] {
            assert_eq!(hidden_character(text), None, "{text}");
        }
    }

    #[test]
    fn k02_characters_that_hide_text_are_found() {
        for (text, character) in [
            ("add\u{e0041}\u{e0042}", '\u{e0041}'),
            ("add \u{e0001}", '\u{e0001}'),
            ("a\u{202e}b", '\u{202e}'),
            ("a\u{2066}b\u{2069}", '\u{2066}'),
            ("a\u{200e}b", '\u{200e}'),
            ("a\u{200b}b", '\u{200b}'),
            ("a\u{200c}\u{200d}b", '\u{200c}'),
            ("é\u{200c}\u{200d}é", '\u{200c}'),
            ("\u{feff}a", '\u{feff}'),
            ("a\u{2062}b", '\u{2062}'),
            ("a\u{ad}b", '\u{ad}'),
            ("a\u{3164}b", '\u{3164}'),
            ("é\u{fe01}", '\u{fe01}'),
            ("😀\u{fe0f}\u{fe0f}", '\u{fe0f}'),
            ("😀\u{e0100}", '\u{e0100}'),
            ("🏴\u{e0067}\u{e007f}", '\u{e0067}'),
            ("a\u{1b}[8mb", '\u{1b}'),
            ("a\u{fff9}b", '\u{fff9}'),
            ("a\u{2800}b", '\u{2800}'),
        ] {
            assert_eq!(hidden_character(text), Some(character), "{text:?}");
        }
    }

    #[test]
    fn k02_every_text_and_every_name_is_looked_at() {
        let hidden = "x\u{e0041}";
        for (value, place) in [
            (json!({ "description": hidden }), "description"),
            (
                json!({ "a": { "properties": { hidden: {} } } }),
                "a.properties",
            ),
            (json!({ "a": [{ "enum": [1, hidden] }] }), "a.enum"),
        ] {
            let found = check_visible(&value).unwrap_err();
            assert_eq!(found.place, place);
            assert!(found.to_string().ends_with("U+E0041"), "{found}");
        }
        assert_eq!(check_visible(&json!({ "a": ["b", 1, null] })), Ok(()));
    }
}
