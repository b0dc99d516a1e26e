//! Text that others wrote: capped, and without characters that hide or reorder what is read.

/// How many characters a name or headline may have.
const LINE: usize = 300;

/// How many characters a description or list of places may have.
const PASSAGE: usize = 8_000;

/// How many characters a text of its own may have.
const DOCUMENT: usize = 24_000;

/// A text of one line.
pub(super) fn line(text: &str) -> String {
    let words = text.split_whitespace().map(|word| visible(word, LINE));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    capped(words.join(" ").chars(), LINE)
}

/// A text of any number of lines.
#[must_use]
pub fn passage(text: &str) -> String {
    visible(text, PASSAGE).trim().to_owned()
}

/// A text of its own.
pub(super) fn document(text: &str) -> String {
    visible(text, DOCUMENT).trim().to_owned()
}

fn visible(text: &str, limit: usize) -> String {
    let characters = text.chars().filter_map(|character| match character {
        '\n' => Some('\n'),
        '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        hidden if hidden.is_control() || is_invisible(hidden) => None,
        other => Some(other),
    });
    capped(characters, limit)
}

fn capped(mut characters: impl Iterator<Item = char>, limit: usize) -> String {
    let mut text: String = characters.by_ref().take(limit).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

/// Marks of direction, of zero width, of variants, and tags: nothing that a reader would see.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_hide_or_reorder_are_gone() {
        let hostile = "Flood\u{202e} War\u{200b}ning\u{7} \u{e0041}now\u{1b}[31m\r\n  here";
        assert_eq!(line(hostile), "Flood Warning now[31m here");
        assert_eq!(passage("a\u{2066}b\r\n\nc\td\u{2028}e"), "ab\n\nc d e");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(line(&"a ".repeat(900)).chars().count(), LINE + 1);
        let passage = passage(&"ä".repeat(PASSAGE + 1));
        assert_eq!(passage.chars().count(), PASSAGE + 1);
        assert!(passage.ends_with('…'));
    }
}
