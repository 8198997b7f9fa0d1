//! Metadata: colour profile, EXIF and XMP, and their changes for an image whose pixels were turned and changed.

use image::metadata::Orientation;

use crate::{
    tiff_directory::{Block, Directory, Entry},
    xmp::without_other_images,
};

const ORIENTATION: u16 = 0x0112;
/// Value of the orientation for pixels that are stored upright.
const UPRIGHT: u8 = 1;
const EXIF_DIRECTORY: u16 = 0x8769;
const THUMBNAIL_OFFSET: u16 = 0x0201;
const THUMBNAIL_LENGTH: u16 = 0x0202;
const PIXELS_ACROSS: u16 = 0xA002;
const PIXELS_DOWN: u16 = 0xA003;
/// Prefix of EXIF blocks in JPEG and some WebP files.
const EXIF_PREFIX: &[u8] = b"Exif\0\0";

/// Colour profile, EXIF and XMP of a file, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// ICC profile of the pixels.
    pub icc: Option<Vec<u8>>,
    /// EXIF block, from its TIFF header on.
    pub exif: Option<Vec<u8>>,
    /// XMP packet, as XML text.
    pub xmp: Option<Vec<u8>>,
}

/// An EXIF block without its prefix, if its first directory can be read.
pub(crate) fn readable_exif(mut exif: Vec<u8>) -> Option<Vec<u8>> {
    if exif.starts_with(EXIF_PREFIX) {
        exif.drain(..EXIF_PREFIX.len());
    }
    Block::new(&exif)?.first()?;
    Some(exif)
}

/// Transform that turns the pixels upright: that of EXIF, or that of XMP if EXIF contains none, as in Pillow.
pub(crate) fn orientation(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Orientation {
    let of_exif = exif.and_then(exif_orientation);
    let value = of_exif.unwrap_or_else(|| xmp.and_then(xmp_orientation));
    value.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// The orientation in an EXIF block, within which it may be no number; `None` if the block has no entry for it.
fn exif_orientation(exif: &[u8]) -> Option<Option<u8>> {
    let block = Block::new(exif)?;
    let entry = block.find(&block.first()?, ORIENTATION)?;
    Some(block.number(entry).and_then(|value| u8::try_from(value).ok()))
}

/// The first orientation in an XMP text.
fn xmp_orientation(xmp: &[u8]) -> Option<u8> {
    let first = xmp_orientations(xmp).into_iter().min()?;
    xmp.get(first).filter(|digit| digit.is_ascii_digit()).map(|digit| digit - b'0')
}

/// Positions of the values of `tiff:Orientation`, attributes and elements, in an XMP text.
fn xmp_orientations(xmp: &[u8]) -> Vec<usize> {
    let starts = [b"tiff:Orientation=\"".as_slice(), b"tiff:Orientation='", b"<tiff:Orientation>"];
    let behind = |start: &'static [u8]| {
        let found = xmp.windows(start.len()).enumerate().filter(move |(_, text)| *text == start);
        found.map(move |(at, _)| at + start.len())
    };
    starts.into_iter().flat_map(behind).collect()
}

/// The EXIF block of an image whose pixels were turned upright and changed: orientation 1, width and height swapped for
/// a quarter turn, and no thumbnail, which would show the original image.
pub(crate) fn baked_exif(mut exif: Vec<u8>, orientation: Orientation) -> Vec<u8> {
    let changes = changes(&exif, orientation).unwrap_or_default();
    for (at, bytes) in changes {
        if let Some(place) = exif.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
    }
    exif
}

/// Bytes to write, with their positions.
type Changes = Vec<(usize, Vec<u8>)>;

fn changes(exif: &[u8], orientation: Orientation) -> Option<Changes> {
    let block = Block::new(exif)?;
    let first = block.first()?;
    let upright = block
        .find(&first, ORIENTATION)
        .and_then(|entry| Some((entry.value_at, block.value(entry.kind, UPRIGHT)?)));
    let mut changes: Changes = upright.into_iter().collect();
    if is_quarter_turn(orientation) {
        changes.extend(swapped_sides(exif, &block, &first).unwrap_or_default());
    }
    changes.extend(without_thumbnail(&block, &first).unwrap_or_default());
    Some(changes)
}

fn is_quarter_turn(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Swaps type, count and value of width and height, 10 bytes each.
fn swapped_sides(exif: &[u8], block: &Block<'_>, first: &Directory) -> Option<Changes> {
    let details = block.directory(block.number(block.find(first, EXIF_DIRECTORY)?)?)?;
    let (across, down) = (block.find(&details, PIXELS_ACROSS)?, block.find(&details, PIXELS_DOWN)?);
    let body = |entry: Entry| exif.get(entry.value_at - 6..entry.value_at + 4).map(<[u8]>::to_vec);
    Some(vec![(across.value_at - 6, body(down)?), (down.value_at - 6, body(across)?)])
}

/// Ends the chain of directories after the first one, and zeros the thumbnail of the second one.
fn without_thumbnail(block: &Block<'_>, first: &Directory) -> Option<Changes> {
    let second = block.directory(block.u32(first.next_at)?)?;
    let mut changes = vec![(first.next_at, vec![0; 4])];
    let number = |tag| block.number(block.find(&second, tag)?);
    if let (Some(offset), Some(length)) = (number(THUMBNAIL_OFFSET), number(THUMBNAIL_LENGTH))
        && length <= 1 << 16
    {
        changes.push((offset as usize, vec![0; length as usize]));
    }
    Some(changes)
}

/// The XMP text of an image whose pixels were turned upright and changed: sets `tiff:Orientation`, attribute or element,
/// to 1, and has no thumbnail of the original and no gain map for it.
pub(crate) fn baked_xmp(xmp: &[u8]) -> Vec<u8> {
    let mut xmp = without_other_images(xmp);
    for at in xmp_orientations(&xmp) {
        if let Some(digit @ b'2'..=b'8') = xmp.get_mut(at) {
            *digit = b'1';
        }
    }
    xmp
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A big-endian EXIF block: orientation 6, sides 40 x 30, and a thumbnail of four bytes.
    fn block() -> Vec<u8> {
        let entry = |tag: u16, kind: u16, value: [u8; 4]| {
            [tag.to_be_bytes().as_slice(), &kind.to_be_bytes(), &1_u32.to_be_bytes(), &value].concat()
        };
        let short = |n: u8| [0, n, 0, 0];
        let long = |n: u8| [0, 0, 0, n];
        [
            b"MM\0*\0\0\0\x08\0\x02".to_vec(),
            entry(ORIENTATION, 3, short(6)),
            entry(EXIF_DIRECTORY, 4, long(38)),
            long(68).to_vec(),
            vec![0, 2],
            entry(PIXELS_ACROSS, 4, long(40)),
            entry(PIXELS_DOWN, 3, short(30)),
            vec![0; 4],
            vec![0, 2],
            entry(THUMBNAIL_OFFSET, 4, long(98)),
            entry(THUMBNAIL_LENGTH, 4, long(4)),
            vec![0; 4],
            b"JPEG".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_turned_image_is_described_upright_and_without_its_old_thumbnail() {
        assert_eq!(orientation(Some(&block()), None), Orientation::Rotate90);
        let baked = baked_exif(block(), Orientation::Rotate90);
        assert_eq!(orientation(Some(&baked), None), Orientation::NoTransforms);
        assert_eq!(baked.len(), block().len());
        assert_eq!(&baked[98..], [0; 4]);
        let parsed = Block::new(&baked).unwrap();
        let first = parsed.first().unwrap();
        assert_eq!(parsed.u32(first.next_at), Some(0));
        let details = parsed.directory(38).unwrap();
        let side = |tag| parsed.number(parsed.find(&details, tag).unwrap()).unwrap();
        assert_eq!((side(PIXELS_ACROSS), side(PIXELS_DOWN)), (30, 40));
    }

    /// Any integer type is read and written, as exiftool does; Pillow reads all but bytes, see `make_images.py`.
    #[test]
    fn an_orientation_of_any_integer_type_is_read_and_set_upright() {
        for (kind, width) in [(1_u16, 1), (3, 2), (4, 4), (6, 1), (8, 2), (9, 4)] {
            for is_big in [true, false] {
                let number = |number: u32, width: usize| {
                    let bytes = if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
                    let mut bytes = bytes[if is_big { 4 - width..4 } else { 0..width }].to_vec();
                    bytes.resize(width.max(2), 0);
                    bytes
                };
                let exif = |value| {
                    let mut exif = [
                        if is_big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() },
                        number(8, 4),
                        number(1, 2),
                    ]
                    .concat();
                    let entry = [
                        number(ORIENTATION.into(), 2),
                        number(kind.into(), 2),
                        number(1, 4),
                        number(value, width),
                    ];
                    exif.extend(entry.concat());
                    exif.resize(26, 0);
                    exif
                };
                assert_eq!(
                    orientation(Some(&exif(6)), None),
                    Orientation::Rotate90,
                    "type {kind}, big-endian: {is_big}"
                );
                assert_eq!(baked_exif(exif(6), Orientation::Rotate90), exif(1));
            }
        }
    }

    #[test]
    fn truncated_blocks_are_unchanged_or_refused() {
        let whole = block();
        for length in 0..whole.len() {
            let cut = whole[..length].to_vec();
            if readable_exif(cut.clone()).is_some() {
                assert_eq!(baked_exif(cut, Orientation::Rotate90).len(), length);
            } else {
                assert_eq!(orientation(Some(&cut), None), Orientation::NoTransforms);
            }
        }
        let prefixed = [EXIF_PREFIX, &whole].concat();
        assert_eq!(readable_exif(prefixed), Some(whole));
    }

    /// Pillow's order: XMP counts where EXIF has no entry, whatever that entry's value.
    #[test]
    fn xmp_gives_the_orientation_that_exif_lacks() {
        let xmp = |text: &str| orientation(None, Some(text.as_bytes()));
        assert_eq!(xmp(r#"<x tiff:Orientation="6"/>"#), Orientation::Rotate90);
        assert_eq!(xmp("<x tiff:Orientation='3'/>"), Orientation::Rotate180);
        assert_eq!(
            xmp(r#"<tiff:Orientation>8</tiff:Orientation><y tiff:Orientation="6"/>"#),
            Orientation::Rotate270
        );
        for none in ["", "<tiff:Orientation>", r#"<x tiff:Orientation="9"/>"#, r#"<x tiff:Orientation=""/>"#]
        {
            assert_eq!(xmp(none), Orientation::NoTransforms, "{none}");
        }
        let six = Some(br#"<x tiff:Orientation="6"/>"#.as_slice());
        let mut exif = block();
        assert_eq!(orientation(Some(&exif[..8]), six), Orientation::Rotate90, "unreadable EXIF");
        exif[19] = 1;
        assert_eq!(orientation(Some(&exif), six), Orientation::NoTransforms, "upright by EXIF");
        exif[11] = 0x13;
        assert_eq!(orientation(Some(&exif), six), Orientation::Rotate90, "EXIF without orientation");
    }

    #[test]
    fn xmp_is_described_upright_too() {
        let text = br#"<x tiff:Orientation="6"/><tiff:Orientation>8</tiff:Orientation>"#.to_vec();
        assert_eq!(
            String::from_utf8(baked_xmp(&text)).unwrap(),
            r#"<x tiff:Orientation="1"/><tiff:Orientation>1</tiff:Orientation>"#
        );
    }
}
