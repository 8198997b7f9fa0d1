//! Fax codes of groups 3 and 4 (ITU-T T.4 and T.6), by hayro-ccitt.

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

use super::{
    layout::{Compression, Layout},
    unsupported,
};
use crate::{Error, Format, Result};

/// Decodes rows of single bits, black as 1.
pub(super) fn decoded(data: &[u8], layout: &Layout, rows: u32) -> Result<Vec<u8>> {
    let bits = u32::from(layout.bits) * u32::from(layout.interleaved());
    if bits != 1 {
        return Err(unsupported(format!("fax codes of {bits} bits")));
    }
    let mut context = DecoderContext::new(settings(layout, rows));
    let mut bits =
        Bits { packed: Vec::new(), row_bytes: layout.row_bytes() as usize, columns: layout.chunk[0] };
    hayro_ccitt::decode(data, &mut bits, &mut context).map_err(|error| match error {
        hayro_ccitt::DecodeError::UnexpectedEof => Error::CutShort(Format::Tiff),
        other => Error::damaged(Format::Tiff)(format!("fax codes: {other}")),
    })?;
    Ok(bits.packed)
}

fn settings(layout: &Layout, rows: u32) -> DecodeSettings {
    DecodeSettings {
        columns: layout.chunk[0],
        rows,
        end_of_block: layout.compression != Compression::FaxRows,
        // Markers between rows are found, wherever they are.
        end_of_line: false,
        rows_are_byte_aligned: layout.compression == Compression::FaxRows,
        encoding: match layout.compression {
            Compression::FaxGroup4 => EncodingMode::Group4,
            Compression::FaxGroup3(true) => EncodingMode::Group3_2D,
            _ => EncodingMode::Group3_1D,
        },
        strict: true,
    }
}

/// Rows of bits.
struct Bits {
    packed: Vec<u8>,
    row_bytes: usize,
    columns: u32,
}

impl Decoder for Bits {
    fn push_row(&mut self, changes: &[u32]) {
        let start = self.packed.len();
        self.packed.resize(start + self.row_bytes, 0);
        let row = &mut self.packed[start..];
        for run in changes.chunks(2) {
            let end = run.get(1).copied().unwrap_or(self.columns);
            blacken(row, run[0] as usize, end as usize);
        }
    }
}

/// Sets the bits from `start` to `end`.
fn blacken(row: &mut [u8], start: usize, end: usize) {
    for (at, byte) in row.iter_mut().enumerate().take(end.div_ceil(8)).skip(start / 8) {
        let (from, to) = (start.max(8 * at) - 8 * at, end.min(8 * at + 8) - 8 * at);
        *byte |= (0xFF_u16 >> from & !(0xFF_u16 >> to)) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_blackened_bit_by_bit() {
        for start in 0..24 {
            for end in start..=24 {
                let mut row = [0; 3];
                blacken(&mut row, start, end);
                let is_black = |x: usize| row[x / 8] >> (7 - x % 8) & 1 == 1;
                assert!((0..24).all(|x| is_black(x) == (start..end).contains(&x)), "{start}..{end}");
            }
        }
    }
}
