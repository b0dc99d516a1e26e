//! How a tenant's pages look: its name, its logo and its colour.

use std::fmt;
use std::str::FromStr;

/// How a tenant's pages look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    /// What people read at the top of every page, in place of "Gatehouse".
    pub name: Option<String>,
    /// The image beside the name.
    pub logo: Option<Logo>,
    /// What buttons are painted in.
    pub colour: Option<Colour>,
}

/// A small image.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    kind: LogoKind,
    bytes: Vec<u8>,
}

/// What an image is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// SVG, which can hold scripts.
    Svg,
}

/// The bytes are no logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogo {
    /// There are too many.
    #[error("an image of more than 64 KiB")]
    TooLarge,
    /// They are no image of a known kind.
    #[error("no PNG, JPEG, WebP or SVG image")]
    UnknownKind,
}

/// A colour that white text can be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// The text is no such colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidColour {
    /// It is no colour.
    #[error("no colour")]
    Form,
    /// White text on it is hard to read (WCAG 2.2, success criterion 1.4.3).
    #[error("a colour that white text is hard to read on")]
    Contrast,
}

/// How many bytes a logo may have.
const LARGEST_LOGO: usize = 64 * 1024;
/// WCAG 2.2 §1.4.3, level AA.
const LEAST_CONTRAST: f64 = 4.5;

impl Logo {
    /// The image that these bytes are.
    pub fn read(bytes: Vec<u8>) -> Result<Self, InvalidLogo> {
        if bytes.len() > LARGEST_LOGO {
            return Err(InvalidLogo::TooLarge);
        }
        let kind = LogoKind::of(&bytes).ok_or(InvalidLogo::UnknownKind)?;
        Ok(Self { kind, bytes })
    }

    /// What it is written in.
    #[must_use]
    pub fn kind(&self) -> LogoKind {
        self.kind
    }

    /// The image itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl LogoKind {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Svg => "image/svg+xml",
        }
    }

    /// By how it begins: what a file is called says nothing.
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            let text = std::str::from_utf8(bytes).ok()?.trim_start();
            let markup = text.starts_with("<?xml") || text.starts_with("<!--");
            let is_svg = text.starts_with("<svg") || (markup && text.contains("<svg"));
            is_svg.then_some(Self::Svg)
        }
    }
}

impl Colour {
    /// How bright it is (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        let [red, green, blue] = linear;
        0.2126_f64.mul_add(red, 0.7152_f64.mul_add(green, 0.0722 * blue))
    }

    /// How much it differs from white (WCAG 2.2, "contrast ratio").
    fn contrast_to_white(self) -> f64 {
        1.05 / (self.luminance() + 0.05)
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').ok_or(InvalidColour::Form)?;
        let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).map_err(|_| InvalidColour::Form)?;
        let [_, red, green, blue] = number.to_be_bytes();
        let colour = Self([red, green, blue]);
        if !is_hex {
            Err(InvalidColour::Form)
        } else if colour.contrast_to_white() < LEAST_CONTRAST {
            Err(InvalidColour::Contrast)
        } else {
            Ok(colour)
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}
