//! Distances of 8-bit product-quantiser codes from look-up tables.

use simd::Level;

use super::scalar;

/// Codes per block, which are summed over one part of the table after another.
const BLOCK: usize = 256;

/// Computes `out[i] = offset + sum_j table[j, codes[i, j]]`, added in the order of `j`.
///
/// `table` is `[m, 256]`, `codes` `[n, m]`, `out` `[n]`. All levels run the same code: it is bound by loads
/// from the table, for which gather instructions are half as fast (Zen 4).
pub(crate) fn pq8_scan(table: &[f32], offset: f32, codes: &[u8], out: &mut [f32]) {
    let (rows, rest) = table.as_chunks::<256>();
    let m = rows.len();
    assert!(rest.is_empty() && codes.len() == m * out.len(), "table [m, 256], codes [n, m] and sums [n]");
    out.fill(offset);
    if let Some(rows) = rows.as_array::<8>() {
        add_words(rows, codes.as_chunks::<8>().0.iter().map(|code| &code[..]), out);
    } else if m > 0 {
        for (codes, sums) in codes.chunks(BLOCK * m).zip(out.chunks_mut(BLOCK)) {
            add_rows(rows, codes, sums);
        }
    }
}

/// Adds the rows 16, 8, 4 and 1 at a time, because more than 32 rows do not fit in the first-level cache.
fn add_rows(rows: &[[f32; 256]], codes: &[u8], sums: &mut [f32]) {
    let m = rows.len();
    let (sixteens, rest) = rows.as_chunks::<16>();
    let (eights, rest) = rest.as_chunks::<8>();
    let (fours, ones) = rest.as_chunks::<4>();
    let codes_from = |at: usize| codes.chunks_exact(m).map(move |code| &code[at..]);
    let mut at = 0;
    for rows in sixteens {
        add_words(rows, codes_from(at), sums);
        at += 16;
    }
    for rows in eights {
        add_words(rows, codes_from(at), sums);
        at += 8;
    }
    for rows in fours {
        add_words(rows, codes_from(at), sums);
        at += 4;
    }
    for row in ones {
        add_words(&[*row], codes_from(at), sums);
        at += 1;
    }
}

/// Adds `W` rows. Codes are read in words of up to 8 bytes, which takes fewer loads than single bytes.
#[inline(always)]
fn add_words<'a, const W: usize>(
    rows: &[[f32; 256]; W],
    codes: impl Iterator<Item = &'a [u8]>,
    sums: &mut [f32],
) {
    for (sum, code) in sums.iter_mut().zip(codes) {
        let Some(code) = code.first_chunk::<W>() else { return };
        let mut total = *sum;
        for (rows, bytes) in rows.chunks(8).zip(code.chunks(8)) {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            let word = u64::from_le_bytes(padded);
            for (j, row) in rows.iter().enumerate() {
                total += row[usize::from((word >> (8 * j)) as u8)];
            }
        }
        *sum = total;
    }
}

/// Computes `out[i] = base[i] + scale other[i]`, rounded twice at every level.
pub(crate) fn table_add(level: Level, base: &[f32], scale: f32, other: &[f32], out: &mut [f32]) {
    assert!(base.len() == out.len() && other.len() == out.len(), "tables of equal size");
    level.run(
        #[inline(always)]
        || scalar::table_add(base, scale, other, out),
    );
}
