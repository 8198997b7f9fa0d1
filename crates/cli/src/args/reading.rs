//! Arguments of reading image files.

use std::str::FromStr;

use clap::Args;
use image_file::{Limits, Reader};

use crate::objects::store;

/// Limits on each image, and the background of transparent ones.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Image files")]
pub struct Reading {
    /// Maximum number of pixels of an image; activation takes about 70 bytes per pixel
    #[arg(long, default_value_t = Limits::default().max_pixels, value_name = "N")]
    pub max_pixels: u64,
    /// Maximum memory to decode an image, in MiB
    #[arg(long, default_value_t = Limits::default().max_memory >> 20, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..1 << 40))]
    pub max_memory: u64,
    /// Maximum time to decode an image
    #[arg(long, default_value_t = Limits::default().max_seconds, value_name = "SECONDS", value_parser = seconds)]
    pub max_seconds: f64,
    /// Colour behind transparent pixels
    #[arg(long, default_value = "ffffff", value_name = "RRGGBB")]
    pub background: Colour,
}

/// An RGB colour, 8 bits per channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl FromStr for Colour {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        let [_, rgb @ ..] = number.ok_or("expected six hexadecimal digits, such as ffffff")?.to_be_bytes();
        Ok(Self(rgb))
    }
}

/// Parses a number of seconds.
fn seconds(text: &str) -> Result<f64, String> {
    super::range::within(text, 0.0..=1e6)
}

impl From<&Reading> for Reader {
    fn from(reading: &Reading) -> Self {
        let Reading { max_pixels, max_memory, max_seconds, background: Colour(background) } = *reading;
        let max_memory = max_memory << 20;
        let limits = Limits { max_pixels, max_memory, max_seconds, ..Limits::default() };
        Self { limits, background, store: Some(store()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_six_digits() {
        assert_eq!("#0a10FF".parse(), Ok(Colour([10, 16, 255])));
        for wrong in ["", "fff", "ffffff0", "+fffff", "white", "ffff\u{e9}"] {
            assert!(wrong.parse::<Colour>().is_err(), "{wrong}");
        }
    }
}
