//! Distances of product-quantised codes of 8 bits from tables.

use super::{Level, dispatch};

/// `out[i] = offset + sum_j table[j, codes[i, j]]`, added in the order of `j`.
///
/// `table` is `[m, 256]`, `codes` `[n, m]`, `out` `[n]`. Every level runs the same code: the work is loads from
/// the table, which the gather instructions of the processors measured do no faster.
pub(crate) fn pq8_scan(table: &[f32], offset: f32, codes: &[u8], out: &mut [f32]) {
    let (table, rest) = table.as_chunks::<256>();
    let m = table.len();
    assert!(rest.is_empty() && codes.len() == m * out.len(), "table [m, 256], codes [n, m] and sums [n]");
    match m {
        4 => scan::<4>(table, offset, codes, out),
        8 => scan::<8>(table, offset, codes, out),
        16 => scan::<16>(table, offset, codes, out),
        32 => scan::<32>(table, offset, codes, out),
        64 => scan::<64>(table, offset, codes, out),
        _ => scan_any(table, offset, codes, out),
    }
}

fn scan<const M: usize>(table: &[[f32; 256]], offset: f32, codes: &[u8], out: &mut [f32]) {
    let Some(table) = table.first_chunk::<M>() else { return };
    for (out, code) in out.iter_mut().zip(codes.as_chunks::<M>().0) {
        let mut sum = offset;
        for (row, &j) in table.iter().zip(code) {
            sum += row[usize::from(j)];
        }
        *out = sum;
    }
}

fn scan_any(table: &[[f32; 256]], offset: f32, codes: &[u8], out: &mut [f32]) {
    let m = table.len();
    for (i, out) in out.iter_mut().enumerate() {
        let code = &codes[i * m..][..m];
        *out = table.iter().zip(code).fold(offset, |sum, (row, &j)| sum + row[usize::from(j)]);
    }
}

/// `out[i] = base[i] + scale other[i]`, rounded twice at every level.
pub(crate) fn table_add(level: Level, base: &[f32], scale: f32, other: &[f32], out: &mut [f32]) {
    assert!(base.len() == out.len() && other.len() == out.len(), "tables of one size");
    dispatch!(level, table_add(base, scale, other, out));
}
