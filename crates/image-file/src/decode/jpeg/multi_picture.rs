//! Indexes of multi-picture files (CIPA DC-007), as stereo cameras write them into their first image.

use super::markers::Segments;
use crate::tiff_directory::Block;

/// Marker of the index's segment.
const APP2: u8 = 0xE2;
/// Marker of the segment of XMP.
const APP1: u8 = 0xE1;
const SIGNATURE: &[u8] = b"MPF\0";
/// Announces a gain map, which is no picture of its own; Pillow takes such a file for one image, too.
const GAIN_MAP: &[u8] = b"hdrgm:Version";

/// Tag of the list of images.
const IMAGES: u16 = 0xB002;
/// Bytes of an image in the list.
const IMAGE: usize = 16;
/// Kind of an image in its attribute: larger thumbnails of the first image, which most cameras add.
const KIND: u32 = 0x00FF_0000;
const THUMBNAIL: u32 = 0x0001_0000;

/// Says that a file holds other pictures than its first. A damaged index says nothing.
pub(super) fn note(bytes: &[u8]) -> Option<String> {
    let segments = || Segments::of(bytes).flatten();
    let mut indexes = segments().filter(|segment| segment.marker == APP2);
    let count = pictures(indexes.find_map(|segment| segment.body.strip_prefix(SIGNATURE))?)?;
    let has_gain_map = segments().any(|segment| segment.marker == APP1 && contains(segment.body, GAIN_MAP));
    (count > 1 && !has_gain_map).then(|| format!("holds {count} pictures, of which the first is read"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Returns the number of pictures in an index, without thumbnails.
fn pictures(index: &[u8]) -> Option<usize> {
    let block = Block::new(index)?;
    let images = block.find(&block.first()?, IMAGES)?;
    let at = usize::try_from(block.u32(images.value_at)?).ok()?;
    let count = usize::try_from(images.count).ok()? / IMAGE;
    // An index is shorter than 65,536 bytes, and so is its list.
    let attributes = (0..count.min(index.len())).map_while(|i| block.u32(at.checked_add(i * IMAGE)?));
    Some(attributes.filter(|attribute| attribute & KIND != THUMBNAIL).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a JPEG file with an index of images of these kinds.
    fn file(kinds: &[u32]) -> Vec<u8> {
        let mut index = b"MPF\0MM\0*\0\0\0\x08\0\x01\xB0\x02\0\x07".to_vec();
        index.extend((16 * kinds.len() as u32).to_be_bytes());
        index.extend(b"\0\0\0\x1A\0\0\0\0");
        kinds
            .iter()
            .for_each(|kind| index.extend([kind.to_be_bytes(), [0; 4], [0; 4], [0; 4]].as_flattened()));
        let length = (index.len() + 2) as u16;
        [&b"\xFF\xD8\xFF\xE2"[..], &length.to_be_bytes(), &index, b"\xFF\xD9"].concat()
    }

    #[test]
    fn pictures_are_counted_without_thumbnails() {
        let two = Some("holds 2 pictures, of which the first is read".to_owned());
        assert_eq!(note(&file(&[0x2002_0002, 0x0002_0002])), two);
        assert_eq!(note(&file(&[0x0003_0000, 0])), two, "as Pillow writes it");
        assert_eq!(note(&file(&[0x2003_0000, 0x4001_0001, 0x0001_0002])), None);
        assert_eq!(note(&file(&[0x2003_0000])), None);
        assert_eq!(note(b"\xFF\xD8\xFF\xD9"), None);
    }

    #[test]
    fn gain_maps_and_damaged_indexes_are_no_pictures() {
        let whole = file(&[0x0003_0000, 0]);
        let xmp = b"\xFF\xE1\0\x16 hdrgm:Version=\"1.0\"";
        assert_eq!(note(&[&whole[..2], xmp, &whole[2..]].concat()), None);
        for length in 0..whole.len() - 20 {
            assert_eq!(note(&whole[..length]), None, "{length}");
        }
    }
}
