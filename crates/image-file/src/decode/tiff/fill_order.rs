//! Data whose bits are filled from the lowest one on, which the crate does not tell from the usual order.

use tiff::{decoder::Decoder, tags::Tag};

use super::Reader;
use crate::{deadline::Deadline, timed_reader::TimedReader};

/// Value of `FillOrder` for the lowest bit first.
const LOWEST_FIRST: u16 = 2;
/// Values of `Compression` for JPEG, whose data are bytes.
const JPEG: [u16; 2] = [6, 7];

/// The file with the bits of its image in the usual order; `None` if they are. As in libtiff, the bits of compressed
/// data are in this order too.
pub(super) fn usual(bytes: &[u8], deadline: Deadline) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(TimedReader::new(bytes, deadline)).ok()?;
    let mut number = |tag| decoder.find_tag_unsigned::<u16>(tag).ok().flatten();
    if number(Tag::FillOrder) != Some(LOWEST_FIRST)
        || number(Tag::Compression).is_some_and(|c| JPEG.contains(&c))
    {
        return None;
    }
    let mut chunks = chunks(&mut decoder, Tag::StripOffsets, Tag::StripByteCounts)
        .or_else(|| chunks(&mut decoder, Tag::TileOffsets, Tag::TileByteCounts))?;
    chunks.sort_unstable();
    let (mut usual, mut end) = (bytes.to_vec(), 0);
    for (offset, length) in chunks {
        // Chunks may share data, which are turned once.
        let start = offset.max(end);
        end = offset.saturating_add(length).min(usual.len()).max(end);
        usual.get_mut(start..end)?.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    Some(usual)
}

/// Offsets and lengths of the image's strips or tiles.
fn chunks(decoder: &mut Reader<'_>, offsets: Tag, lengths: Tag) -> Option<Vec<(usize, usize)>> {
    let offsets = decoder.find_tag_unsigned_vec(offsets).ok().flatten()?;
    let lengths = decoder.find_tag_unsigned_vec(lengths).ok().flatten()?;
    Some(offsets.into_iter().zip(lengths).collect())
}
