//! Samples of an image, gathered from its strips or tiles. Those that are no colour and no alpha are left out.

use super::{chunk, layout::Layout};
use crate::{Result, deadline::Deadline};

/// Samples as stored, interleaved by pixel: `[height, width, kept]`.
#[derive(Debug, PartialEq)]
pub(super) enum Samples {
    /// Up to 8 bits.
    Eight(Vec<u8>),
    /// 9 to 16 bits.
    Sixteen(Vec<u16>),
}

/// Reads all strips or tiles.
pub(super) fn read(bytes: &[u8], layout: &Layout, deadline: Deadline) -> Result<Samples> {
    let [width, height] = layout.size;
    let count = width as usize * height as usize * usize::from(layout.kept());
    if layout.bits <= 8 {
        let mut samples = vec![0; count];
        gather(bytes, layout, deadline, &mut samples, |sample| sample as u8)?;
        Ok(Samples::Eight(samples))
    } else {
        let mut samples = vec![0; count];
        gather(bytes, layout, deadline, &mut samples, |sample| sample)?;
        Ok(Samples::Sixteen(samples))
    }
}

fn gather<T>(
    bytes: &[u8],
    layout: &Layout,
    deadline: Deadline,
    samples: &mut [T],
    narrowed: impl Fn(u16) -> T,
) -> Result<()> {
    let ([width, height], [chunk_width, chunk_height]) = (layout.size, layout.chunk);
    let (across, down) = (width.div_ceil(chunk_width), height.div_ceil(chunk_height));
    let planes = if layout.is_planar { layout.kept() } else { 1 };
    let per_plane = across as usize * down as usize;
    let mut row_of_samples = Vec::new();
    for chunk in 0..per_plane * usize::from(planes) {
        deadline.check()?;
        let (plane, place) = (chunk / per_plane, chunk % per_plane);
        let left = (place % across as usize) as u32 * chunk_width;
        let top = (place / across as usize) as u32 * chunk_height;
        let rows = chunk_height.min(height - top);
        let data = chunk::decompressed(bytes, layout, chunk, rows)?;
        for (y, row) in (top..top + rows).zip(data.chunks_exact(layout.row_bytes() as usize)) {
            unpack(row, layout, chunk_width.min(width - left), &mut row_of_samples);
            let pixel = y as usize * width as usize + left as usize;
            let places = &mut samples[pixel * usize::from(layout.kept()) + plane..];
            place_row(layout, &row_of_samples, places, &narrowed);
        }
    }
    Ok(())
}

/// Unpacks the samples of `pixels` pixels from the start of a row.
fn unpack(row: &[u8], layout: &Layout, pixels: u32, samples: &mut Vec<u16>) {
    let count = pixels as usize * usize::from(layout.interleaved());
    samples.clear();
    match (layout.bits, layout.is_big_endian) {
        (8, _) => samples.extend(row[..count].iter().map(|&byte| u16::from(byte))),
        (16, false) => samples.extend(row.as_chunks().0[..count].iter().map(|&two| u16::from_le_bytes(two))),
        (16, true) => samples.extend(row.as_chunks().0[..count].iter().map(|&two| u16::from_be_bytes(two))),
        (bits, _) => samples.extend((0..count).map(|i| bits_at(row, i * usize::from(bits), bits))),
    }
    if layout.is_predicted {
        add_left(samples, usize::from(layout.interleaved()), layout.bits);
    }
}

/// The `bits` bits from the bit `at` of a row on, whatever the byte order is.
fn bits_at(row: &[u8], at: usize, bits: u8) -> u16 {
    let byte = |i: usize| u32::from(row.get(at / 8 + i).copied().unwrap_or(0));
    let three = byte(0) << 16 | byte(1) << 8 | byte(2);
    (three >> (24 - at % 8 - usize::from(bits)) & ((1 << bits) - 1)) as u16
}

/// Adds to each sample the same sample of the pixel to its left.
fn add_left(samples: &mut [u16], step: usize, bits: u8) {
    let top = (u32::from(u16::MAX) >> (16 - bits)) as u16;
    for i in step..samples.len() {
        samples[i] = samples[i].wrapping_add(samples[i - step]) & top;
    }
}

/// Writes a row, from its first pixel on, to samples that begin there.
fn place_row<T>(layout: &Layout, row: &[u16], samples: &mut [T], narrowed: impl Fn(u16) -> T) {
    let kept = usize::from(layout.kept());
    if layout.is_planar {
        let places = samples.iter_mut().step_by(kept);
        places.zip(row).for_each(|(place, &sample)| *place = narrowed(sample));
        return;
    }
    let pixels = row.chunks_exact(usize::from(layout.stored));
    for (place, pixel) in samples.chunks_exact_mut(kept).zip(pixels) {
        place.iter_mut().zip(pixel).for_each(|(place, &sample)| *place = narrowed(sample));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_any_width_are_taken_from_the_highest_on() {
        let row = [0b1011_0110, 0b0111_1010, 0b0001_1101];
        let all = u32::from_be_bytes([0, row[0], row[1], row[2]]);
        for bits in 1..=16 {
            for at in 0..=24 - usize::from(bits) {
                let expected = (all >> (24 - at - usize::from(bits))) & ((1 << bits) - 1);
                assert_eq!(u32::from(bits_at(&row, at, bits)), expected, "{bits} bits at {at}");
            }
        }
    }

    #[test]
    fn differences_wrap_around() {
        let mut eight = [250, 7, 10, 255, 1, 1];
        add_left(&mut eight, 2, 8);
        assert_eq!(eight, [250, 7, 4, 6, 5, 7]);
        let mut sixteen = [65_000, 1000, 65_535];
        add_left(&mut sixteen, 1, 16);
        assert_eq!(sixteen, [65_000, 464, 463]);
    }
}
