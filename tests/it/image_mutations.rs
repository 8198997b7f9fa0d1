//! Mutated image files: the same seeds give the same files.
//!
//! Bits flip, bytes are overwritten, removed, doubled and inserted, files are cut and spliced, and the lengths, sizes and
//! counts that a format stores are replaced by extreme numbers. Checksums of PNG are made right again for half of the
//! files, because nothing behind a wrong one is read.

/// Numbers that lengths and sizes are replaced by.
const EXTREMES: [u64; 12] =
    [0, 1, 2, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFF];
/// Bytes at the start of a file that are mutated more often than others.
const HEADER: usize = 96;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Generator of pseudorandom numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// The mutated file of number `i`.
///
/// # Panics
/// If there are no seeds.
pub fn mutated(seeds: &[Vec<u8>], i: u64) -> Vec<u8> {
    let mut random = Random(i.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5EED);
    let mut file = seeds[random.below(seeds.len())].clone();
    let other = &seeds[random.below(seeds.len())];
    for _ in 0..1 + random.below(4) / 3 {
        mutate(&mut file, other, &mut random);
    }
    if random.below(2) == 0 {
        correct_checksums(&mut file);
    }
    file
}

fn mutate(file: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let length = file.len();
    let at = random.below(length);
    match random.below(10) {
        0 => flip(file, length, random),
        1 => flip(file, length.min(HEADER), random),
        2 => {
            let end = (at + 1 + random.below(32)).min(length);
            let byte = [0, 0xFF, random.next() as u8][random.below(3)];
            file[at..end].fill(byte);
        }
        3 => file.truncate(at),
        4 => {
            file.truncate(at);
            file.extend_from_slice(&other[random.below(other.len())..]);
        }
        5 => {
            let end = (at + 1 + random.below(64)).min(length);
            file.drain(at..end);
        }
        6 => {
            let part = file[at..(at + 1 + random.below(64)).min(length)].to_vec();
            file.splice(at..at, part);
        }
        _ => replace_number(file, random),
    }
}

fn flip(file: &mut [u8], end: usize, random: &mut Random) {
    for _ in 0..1 + random.below(8) {
        let (at, bit) = (random.below(end), random.below(8));
        if let Some(byte) = file.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }
}

/// Replaces a length, size or count by an extreme number, or by one nearby.
fn replace_number(file: &mut [u8], random: &mut Random) {
    let fields = fields(file);
    let Some(&(at, width, is_big)) = fields.get(random.below(fields.len())) else { return };
    let Some(bytes) = file.get_mut(at..at + width) else { return };
    let stored = bytes.iter().enumerate().fold(0, |number, (i, &byte)| {
        number | u64::from(byte) << (8 * if is_big { width - 1 - i } else { i })
    });
    let number = match random.below(4) {
        0 => stored.wrapping_add(random.next() % 5).wrapping_sub(2),
        1 => stored.wrapping_mul(2 + random.next() % 300),
        _ => EXTREMES[random.below(EXTREMES.len())],
    };
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (number >> (8 * if is_big { width - 1 - i } else { i })) as u8;
    }
}

/// Position, bytes and byte order (true for the highest first) of a file's lengths, sizes and counts.
fn fields(file: &[u8]) -> Vec<(usize, usize, bool)> {
    match file {
        [0xFF, 0xD8, ..] => jpeg_fields(file),
        [b'I', b'I', ..] => tiff_fields(file, false),
        [b'M', b'M', ..] => tiff_fields(file, true),
        [b'R', b'I', b'F', b'F', ..] => {
            let chunks = chunks(file, 12, |at| Some(8 + little(file, at + 4)?.next_multiple_of(2)));
            chunks
                .into_iter()
                .flat_map(|at| [(at + 4, 4, false), (at + 12, 3, false), (at + 15, 3, false)])
                .collect()
        }
        [b'B', b'M', ..] => vec![
            (10, 4, false),
            (14, 4, false),
            (18, 4, false),
            (22, 4, false),
            (28, 2, false),
            (46, 4, false),
        ],
        [b'G', b'I', b'F', ..] => vec![(6, 2, false), (8, 2, false), (10, 1, false)],
        [b'q', b'o', b'i', b'f', ..] => vec![(4, 4, true), (8, 4, true), (12, 1, true)],
        _ if file.starts_with(PNG) => {
            let chunks = png_chunks(file).into_iter().map(|at| (at, 4, true));
            chunks.chain([(16, 4, true), (20, 4, true), (24, 1, true), (25, 1, true)]).collect()
        }
        _ => (0..file.len().min(HEADER)).step_by(2).map(|at| (at, 4, at % 4 == 0)).collect(),
    }
}

/// Lengths of segments, and the height, width and components of frames.
fn jpeg_fields(file: &[u8]) -> Vec<(usize, usize, bool)> {
    let (mut fields, mut at) = (Vec::new(), 2);
    while let Some(&[0xFF, marker, high, low, ..]) = file.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        fields.push((at + 2, 2, true));
        if marker & 0xF0 == 0xC0 {
            fields.extend([(at + 5, 2, true), (at + 7, 2, true), (at + 9, 1, true), (at + 11, 1, true)]);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    fields
}

/// Tag, type, count and value of each entry of the first directory of a file that is not BigTIFF, and the header.
fn tiff_fields(file: &[u8], is_big: bool) -> Vec<(usize, usize, bool)> {
    let number = |at: usize, width: usize| -> Option<usize> {
        let bytes = file.get(at..at + width)?;
        let add = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        Some(if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    };
    let mut fields = vec![(2, 2, is_big), (4, 4, is_big), (8, 4, is_big)];
    let directory = number(4, 4).unwrap_or(0);
    for i in 0..number(directory, 2).unwrap_or(0).min(64) {
        let entry = directory + 2 + 12 * i;
        fields.extend([(entry, 2, is_big), (entry + 2, 2, is_big), (entry + 4, 4, is_big)]);
        // The value, which most mutations replace.
        fields.extend([(entry + 8, 4, is_big), (entry + 8, 2, is_big), (entry + 8, 2, is_big)]);
    }
    fields
}

fn png_chunks(file: &[u8]) -> Vec<usize> {
    chunks(file, PNG.len(), |at| {
        let length =
            file.get(at..).and_then(<[u8]>::first_chunk).map(|length| u32::from_be_bytes(*length))?;
        Some(12 + length as usize)
    })
}

fn little(file: &[u8], at: usize) -> Option<usize> {
    file.get(at..).and_then(<[u8]>::first_chunk).map(|length| u32::from_le_bytes(*length) as usize)
}

/// Positions of chunks from `at` on, each as long as `length` says.
fn chunks(file: &[u8], mut at: usize, length: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    while let Some(length) = length(at).filter(|_| at + 8 <= file.len()) {
        found.push(at);
        at += length;
    }
    found
}

/// Makes the checksums of all chunks of a PNG file right.
fn correct_checksums(file: &mut [u8]) {
    if !file.starts_with(PNG) {
        return;
    }
    for at in png_chunks(file) {
        let length = u32::from_be_bytes(*file[at..].first_chunk().expect("the chunk has a length")) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if end.saturating_add(4) <= file.len() {
            let checksum = crc(&file[at + 4..end]);
            file[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
        }
    }
}

/// Checksum of PNG chunks (ISO 15948, annex D).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_from_their_seeds_alone() {
        let seeds =
            [b"\xFF\xD8\xFF\xE0\0\x04ab".to_vec(), [PNG, b"\0\0\0\x01ABCDxcrc!"].concat(), Vec::new()];
        let all = |_: ()| (0..500).map(|i| mutated(&seeds, i)).collect::<Vec<_>>();
        assert_eq!(all(()), all(()));
        let mut different = all(());
        different.sort();
        different.dedup();
        assert!(different.len() > 150, "{}", different.len());
    }

    #[test]
    fn checksums_are_those_of_png() {
        // The last chunk of every PNG file.
        assert_eq!(crc(b"IEND"), 0xAE42_6082);
        let mut file = [PNG, b"\0\0\0\0IEND\0\0\0\0"].concat();
        correct_checksums(&mut file);
        assert!(file.ends_with(b"IEND\xAE\x42\x60\x82"));
    }
}
