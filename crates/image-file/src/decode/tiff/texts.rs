//! Texts that are longer than their file, found before the `tiff` crate reads them: it prints a line on stderr and
//! reserves memory for them.

use crate::{Error, Format, Result};

/// Type of entries that hold text.
const TEXT: u64 = 2;

/// Checks the texts of the first directory.
///
/// # Errors
/// If one is longer than the file.
pub(super) fn check(bytes: &[u8]) -> Result<()> {
    let longest = lengths(bytes).unwrap_or_default().into_iter().max();
    match longest.is_some_and(|longest| longest > bytes.len() as u64) {
        true => Err(Error::CutShort(Format::Tiff)),
        false => Ok(()),
    }
}

/// Lengths of the texts of the first directory, as far as it is in the file.
fn lengths(bytes: &[u8]) -> Option<Vec<u64>> {
    let is_big_endian = bytes.starts_with(b"MM");
    let number = |at: u64, width: usize| -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = bytes.get(at..at.checked_add(width)?)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if is_big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    };
    // Bytes of the number of entries, of an entry, and of the numbers in an entry.
    let (directory, count_bytes, entry_bytes, width) = match number(2, 2)? {
        43 => (number(8, 8)?, 8, 20, 8),
        _ => (number(4, 4)?, 2, 12, 4),
    };
    let first = directory.checked_add(count_bytes)?;
    let entries = (0..number(directory, count_bytes as usize)?)
        .map_while(|i| first.checked_add(i.checked_mul(entry_bytes)?))
        .map_while(|entry| Some((number(entry.checked_add(2)?, 2)?, number(entry.checked_add(4)?, width)?)));
    Some(entries.filter(|(kind, _)| *kind == TEXT).map(|(_, count)| count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_longer_than_their_file_are_refused_in_both_orders_and_sizes() {
        let small = b"II*\0\x08\0\0\0\x01\0\x0E\x01\x02\0\xFF\xFF\xFF\x7F\x1A\0\0\0\0\0\0\0".to_vec();
        let swapped = b"MM\0*\0\0\0\x08\0\x01\x01\x0E\0\x02\x7F\xFF\xFF\xFF\0\0\0\x1A\0\0\0\0".to_vec();
        let big = [
            &b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0"[..],
            b"\x0E\x01\x02\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0\0\0\0\0",
        ]
        .concat();
        for file in [&small, &swapped, &big] {
            assert!(matches!(check(file), Err(Error::CutShort(Format::Tiff))));
            for length in 0..file.len() {
                let _ = check(&file[..length]);
            }
        }
        let mut short = small;
        short[14..18].copy_from_slice(&[4, 0, 0, 0]);
        assert!(check(&short).is_ok());
    }
}
