//! Chunks of PNG files (PNG specification, section 5), found without decoding.

use std::{io::Cursor, ops::Range};

use crate::{Limits, metadata::readable_exif};

const SIGNATURE: usize = 8;
const LENGTH_AND_NAME: usize = 8;
const SUM: usize = 4;
/// Chunks of metadata, which may stand behind the pixels.
const METADATA: [&[u8; 4]; 4] = [b"eXIf", b"tEXt", b"zTXt", b"iTXt"];
/// Keyword of the text chunks in which ImageMagick stores EXIF, in one of two ways, as hexadecimal digits.
const RAW_PROFILE: &str = "Raw profile type ";
/// Lines before the digits: an empty one, the name, and the length.
const LINES_OF_HEADER: usize = 3;

/// Names and positions of the chunks of a file, whole with length and check sum; `None` if it is cut short.
pub(super) fn chunks(bytes: &[u8]) -> Option<Vec<([u8; 4], Range<usize>)>> {
    let (mut chunks, mut start) = (Vec::new(), SIGNATURE);
    loop {
        let header: &[u8; LENGTH_AND_NAME] = bytes.get(start..)?.first_chunk()?;
        let [l3, l2, l1, l0, name @ ..] = *header;
        let length = u32::from_be_bytes([l3, l2, l1, l0]) as usize;
        let end = start.checked_add(length)?.checked_add(LENGTH_AND_NAME + SUM)?;
        if end > bytes.len() {
            return None;
        }
        chunks.push((name, start..end));
        if name == *b"IEND" {
            return Some(chunks);
        }
        start = end;
    }
}

/// The file with its metadata before its pixels, where the decoder looks for it; `None` if it is there.
pub(super) fn with_metadata_first(bytes: &[u8]) -> Option<Vec<u8>> {
    let chunks = chunks(bytes)?;
    let pixels = chunks.iter().position(|(name, _)| name == b"IDAT")?;
    let (before, behind) = chunks.split_at(pixels);
    let (moved, kept): (Vec<_>, Vec<_>) = behind.iter().partition(|(name, _)| METADATA.contains(&name));
    (!moved.is_empty()).then(|| {
        let in_order = before.iter().chain(moved).chain(kept).map(|(_, place)| &bytes[place.clone()]);
        std::iter::once(&bytes[..SIGNATURE]).chain(in_order).collect::<Vec<_>>().concat()
    })
}

/// EXIF in a text chunk before the pixels.
pub(super) fn exif_in_text(bytes: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    let has_profile = |(_, place): &(_, Range<usize>)| {
        bytes[place.start + LENGTH_AND_NAME..place.end].starts_with(RAW_PROFILE.as_bytes())
    };
    if !chunks(bytes)?.iter().any(has_profile) {
        return None;
    }
    let limits = png::Limits { bytes: usize::try_from(limits.max_memory).unwrap_or(usize::MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(false);
    let reader = decoder.read_info().ok()?;
    let plain = reader.info().uncompressed_latin1_text.iter();
    let plain = plain.map(|chunk| (chunk.keyword.as_str(), Some(chunk.text.clone())));
    let packed = reader.info().compressed_latin1_text.iter();
    let packed = packed.map(|chunk| (chunk.keyword.as_str(), chunk.get_text().ok()));
    plain.chain(packed).find_map(|(keyword, text)| match keyword.strip_prefix(RAW_PROFILE)? {
        "exif" | "APP1" => readable_exif(digits(&text?)?),
        _ => None,
    })
}

/// Bytes of the hexadecimal digits behind a profile's header.
fn digits(text: &str) -> Option<Vec<u8>> {
    let digits = text.split('\n').skip(LINES_OF_HEADER).flat_map(str::chars).filter(|c| !c.is_whitespace());
    let digits = digits.map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    Some(digits.as_chunks().0.iter().map(|[high, low]| (high << 4 | low) as u8).collect())
}
