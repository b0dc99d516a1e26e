//! `[tenants.branding]`: how a tenant's pages look.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;
use crate::model::{Branding, Colour, Logo};

/// How the tenant's pages look.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BrandingEntry {
    /// What people read at the top of every page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    name: Option<String>,
    /// The path of a PNG, JPEG, WebP or SVG file of at most 64 KiB, or such an image as a `data:`
    /// URL. It is read once and stored with the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    logo: Option<String>,
    /// What buttons are painted in, as `#2a56c6`. White text must be readable on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    colour: Option<String>,
}

const LONGEST_NAME: usize = 80;

impl BrandingEntry {
    /// Checks the entry, and puts the logo itself in the place of its path.
    pub(super) fn embed(&mut self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Branding> {
        let name = match &self.name {
            Some(name) => {
                let readable = (1..=LONGEST_NAME).contains(&name.chars().count())
                    && !name.chars().any(char::is_control);
                let expected = "a name of 1 to 80 characters";
                let name = readable.then(|| Some(name.clone()));
                checks.require(name, &path.join("name"), expected)
            }
            None => Some(None),
        };
        let logo = match &self.logo {
            Some(source) => read_logo(source, checks, &path.join("logo")).map(Some),
            None => Some(None),
        };
        let colour = match &self.colour {
            Some(text) => read_colour(text, checks, &path.join("colour")).map(Some),
            None => Some(None),
        };
        let branding = Branding {
            name: name?,
            logo: logo?,
            colour: colour?,
        };
        self.logo = branding.logo.as_ref().map(data_url);
        Some(branding)
    }
}

fn read_colour(text: &str, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Colour> {
    let expected = "a colour as in \"#2a56c6\", dark enough for white text on it (contrast of at \
                    least 4.5 to 1)";
    checks.require(text.parse().ok(), path, expected)
}

fn read_logo(source: &str, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Logo> {
    let bytes = if source.starts_with("data:") {
        let encoded = source.split_once(";base64,").map(|(_, encoded)| encoded);
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        checks.require(bytes, path, "a data: URL in base64")?
    } else {
        checks.note_file(source);
        match std::fs::read(source) {
            Ok(bytes) => bytes,
            Err(error) => {
                let found = format!("no readable file there ({})", error.kind());
                checks.refuse_found(path, found, "the path of an image");
                return None;
            }
        }
    };
    match Logo::read(bytes) {
        Ok(logo) => Some(logo),
        Err(error) => {
            let expected = "a PNG, JPEG, WebP or SVG image of at most 64 KiB";
            checks.refuse_found(path, error.to_string(), expected);
            None
        }
    }
}

fn data_url(logo: &Logo) -> String {
    let encoded = STANDARD.encode(logo.bytes());
    format!("data:{};base64,{encoded}", logo.kind().media_type())
}
