//! Huffman tables of JPEG files that leave out the standard ones (ITU-T T.81, annex K.3), as frames of webcams do.

use super::markers::{HUFFMAN_TABLES, START_OF_SCAN, Segment, Segments, is_frame};

/// A Huffman table.
struct Table {
    /// 0x00 and 0x01 for DC, 0x10 and 0x11 for AC coefficients, of luma and chroma.
    place: u8,
    /// Number of codes of 1 to 16 bits.
    counts: [u8; 16],
    symbols: &'static [u8],
}

const DC: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

const STANDARD: [Table; 4] = [
    Table { place: 0x00, counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: DC },
    Table { place: 0x01, counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: DC },
    Table {
        place: 0x10,
        counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        symbols: &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
            0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
            0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
            0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
            0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
            0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
            0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
            0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
            0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
            0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
            0xF9, 0xFA,
        ],
    },
    Table {
        place: 0x11,
        counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        symbols: &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
            0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
            0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
            0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
            0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
            0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
            0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
            0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
            0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
            0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
            0xF9, 0xFA,
        ],
    },
];

/// The file with the standard tables before all others, if its first scan uses one of these places and no table is
/// there. libjpeg fills them likewise. Progressive files have no standard tables.
pub(super) fn completed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut defined = Vec::new();
    for segment in Segments::of(bytes) {
        let Segment { marker, body, .. } = segment.ok()?;
        match marker {
            HUFFMAN_TABLES => defined.extend(places(body)),
            START_OF_SCAN => {
                let lacks = used(body).any(|place| !defined.contains(&place) && is_standard(place));
                return lacks.then(|| [&bytes[..2], &segment_of_all(), &bytes[2..]].concat());
            }
            _ if is_frame(marker) && !matches!(marker, 0xC0 | 0xC1) => return None,
            _ => {}
        }
    }
    None
}

fn is_standard(place: u8) -> bool {
    STANDARD.iter().any(|table| table.place == place)
}

/// Places of the tables in a segment, as far as it can be read.
fn places(mut body: &[u8]) -> Vec<u8> {
    let mut places = Vec::new();
    while let Some((&[place, ref counts @ ..], rest)) = body.split_first_chunk::<17>() {
        places.push(place);
        body = rest.get(counts.iter().map(|&n| usize::from(n)).sum::<usize>()..).unwrap_or_default();
    }
    places
}

/// Places of the tables that a scan uses.
fn used(body: &[u8]) -> impl Iterator<Item = u8> {
    let (count, selectors) = body.split_first().unwrap_or((&0, &[]));
    let selectors = selectors.as_chunks::<2>().0.iter().take(usize::from(*count));
    selectors.flat_map(|[_, selected]| [selected >> 4, 0x10 | selected & 15])
}

/// A segment with all standard tables.
fn segment_of_all() -> Vec<u8> {
    let table = |table: &Table| [&[table.place][..], &table.counts, table.symbols].concat();
    let body = STANDARD.iter().flat_map(table).collect::<Vec<_>>();
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xFF, HUFFMAN_TABLES][..], &length, &body].concat()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;

    /// The tables of jpeg-encoder are those of the standard, as it says.
    #[test]
    fn missing_tables_are_those_of_an_independent_encoder() {
        let mut file = Vec::new();
        let encoder = Encoder::new(&mut file, 90);
        encoder.encode(&RgbImage::new(8, 8), 8, 8, ColorType::Rgb).unwrap();
        assert_eq!(completed(&file), None);
        let (mut without, mut tables) = (file[..2].to_vec(), Vec::<u8>::new());
        let (mut at, scan) = (2, file.windows(2).position(|pair| pair == [0xFF, START_OF_SCAN]).unwrap());
        while at < scan {
            let end = at + 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
            let segment = &file[at..end];
            if segment[1] == HUFFMAN_TABLES {
                tables.extend(&segment[4..])
            } else {
                without.extend(segment)
            }
            at = end;
        }
        without.extend(&file[scan..]);
        let completed = completed(&without).unwrap();
        let added = &completed[2..2 + completed.len() - without.len()];
        for table in STANDARD {
            let wanted = [&[table.place][..], &table.counts, table.symbols].concat();
            assert!(tables.windows(wanted.len()).any(|window| window == wanted), "{:#x}", table.place);
            assert!(added.windows(wanted.len()).any(|window| window == wanted));
        }
        assert_eq!(completed[..2], without[..2]);
        assert_eq!(completed[2 + added.len()..], without[2..]);
    }
}
