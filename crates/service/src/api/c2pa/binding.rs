//! Values of soft bindings: descriptors.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use half::f16;

use crate::problem::Problem;

/// Base64 whose padding may be absent, because addresses give `=` a meaning of its own.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Descriptor `[d]` of unit length from a value: `d` float16, little-endian, in base64 of the standard or of the URL's alphabet.
///
/// # Errors
/// A problem with status 400.
pub fn descriptor(value: &str, d: usize) -> Result<Vec<f32>, Problem> {
    let wrong = |found: &str| {
        Problem::bad_request(format!("value must be the base64 of {d} float16, little-endian; found {found}"))
    };
    let bytes = 2 * d;
    if value.len() > 4 * bytes.div_ceil(3) {
        return Err(wrong("more characters"));
    }
    let standard: String = value.chars().map(standard).collect();
    let decoded = BASE64.decode(standard).map_err(|error| wrong(&error.to_string()))?;
    if decoded.len() != bytes {
        return Err(wrong(&format!("{} bytes", decoded.len())));
    }
    let row: Vec<f32> =
        decoded.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect();
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    // Of finite values that are not all zero.
    match length.is_normal() {
        true => Ok(row.iter().map(|value| value / length).collect()),
        false => Err(wrong("values without a direction")),
    }
}

/// Character of the standard alphabet. A `+` that was not escaped arrives as a space.
fn standard(character: char) -> char {
    match character {
        '-' | ' ' => '+',
        '_' => '/',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(row: &[f32]) -> Vec<u8> {
        row.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
    }

    #[test]
    fn values_of_both_alphabets_are_unit_descriptors() {
        // Bytes in which both alphabets differ.
        let row: Vec<f32> = (0..64).map(|k| f16::from_bits(0x3bff ^ (k * 517)).to_f32()).collect();
        let row: Vec<f32> = row.iter().map(|value| if value.is_finite() { *value } else { 0.5 }).collect();
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        let (standard, url) =
            (BASE64_STANDARD.encode(bytes(&row)), BASE64_URL_SAFE_NO_PAD.encode(bytes(&row)));
        assert_ne!(standard, url);
        for value in [&standard, &url, &standard.replace('+', " "), &standard.replace('=', "")] {
            let read = descriptor(value, 64).unwrap();
            for (read, own) in read.iter().zip(&row) {
                assert!((read * length - own).abs() <= 1e-6 * own.abs().max(1e-3), "{read} {own}");
            }
        }
    }

    #[test]
    fn other_values_are_refused() {
        let encoded = |row: &[f32]| BASE64_STANDARD.encode(bytes(row));
        for (value, reason) in [
            (String::new(), "found 0 bytes"),
            ("????".to_owned(), "Invalid"),
            (encoded(&[0.5; 3]), "found 6 bytes"),
            (encoded(&[0.5; 5]), "more characters"),
            ("A".repeat(10_000_000), "more characters"),
            (encoded(&[0.0; 4]), "direction"),
            (encoded(&[0.5, f32::NAN, 0.5, 0.5]), "direction"),
            (encoded(&[0.5, f32::INFINITY, 0.5, 0.5]), "direction"),
        ] {
            let problem = descriptor(&value, 4).unwrap_err();
            assert!(problem.status == 400 && problem.detail.contains(reason), "{}", problem.detail);
        }
    }
}
