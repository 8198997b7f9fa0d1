//! Comparison of kept cells and codes with those that the quantiser gives to the kept descriptors.

use arrow_array::{Array, RecordBatch};
use collection::Result;
use device_math::transfer::{download, upload_matrix};
use half::f16;
use index::EncodedVectors;

use crate::{
    core::Core,
    entries::{Columns, d_of},
};

/// Share of a squared distance by which a kept choice may be worse than the best one. Codes are made of float32, and compared
/// with descriptors that were rounded to float16, which moves a value by at most 2^-11 of itself: two choices may only have
/// changed places if their distances differ by less than a few times this.
const TOLERANCE: f32 = 1.0 / 256.0;

/// Rows of a batch whose cell or code is not that of their descriptors, and what is wrong with them.
pub fn wrong_codes(core: &Core, batch: &RecordBatch) -> Result<Vec<(usize, &'static str)>> {
    let columns = Columns::new(batch, core.entries.location());
    let (cells, codes, list) = (columns.u32("cell")?, columns.code("code")?, columns.list("descriptor")?);
    let (values, d) = (columns.halves("descriptor")?, d_of(list));
    let is_whole = |row: &usize| cells.is_valid(*row) && codes.is_valid(*row) && list.is_valid(*row);
    let rows: Vec<usize> = (0..batch.num_rows()).filter(is_whole).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let descriptor = |row: usize| values[row * d..(row + 1) * d].iter().map(|value| f16::to_f32(*value));
    let vectors: Vec<f32> = rows.iter().flat_map(|&row| descriptor(row)).collect();
    let encoded = core.quantiser.encode(upload_matrix(vectors, d, &core.quantiser.device()))?;
    let EncodedVectors { cells: expected, codes: expected_codes } = encoded;
    let expected_codes = expected_codes.chunks_exact(core.quantiser.code_size());
    let mut differing = Vec::new();
    for ((&row, expected), code) in rows.iter().zip(expected).zip(expected_codes) {
        let own = (cells.value(row) as usize, codes.value(row));
        if own != (expected, code) {
            differing.push((row, expected));
        }
    }
    if differing.is_empty() {
        return Ok(Vec::new());
    }
    let choices = Choices::of(core)?;
    let reason = |&(row, nearest): &(usize, usize)| {
        let descriptor: Vec<f32> = descriptor(row).collect();
        let reason = choices.fault(&descriptor, cells.value(row) as usize, nearest, codes.value(row))?;
        Some((row, reason))
    };
    Ok(differing.iter().filter_map(reason).collect())
}

/// Centroids and codewords among which the quantiser chooses.
struct Choices {
    d: usize,
    /// `[nlist, d]`.
    centroids: Vec<f32>,
    /// `[m, 256, d / m]`.
    codewords: Vec<f32>,
}

impl Choices {
    fn of(core: &Core) -> Result<Self> {
        let centroids = core.quantiser.centroids()?.expect("an inverted file has centroids");
        let codewords =
            core.quantiser.residual_codewords().expect("a collection of this kind codes residuals");
        Ok(Self { d: core.quantiser.d(), centroids: download(centroids)?, codewords })
    }

    fn centroid(&self, cell: usize) -> Option<&[f32]> {
        self.centroids.get(cell * self.d..(cell + 1) * self.d)
    }

    /// Fault of a cell and a code for a descriptor whose nearest cell is `nearest`; `None` if rounding explains them.
    fn fault(&self, descriptor: &[f32], cell: usize, nearest: usize, code: &[u8]) -> Option<&'static str> {
        let Some(own) = self.centroid(cell) else { return Some("is in a cell that does not exist") };
        let best = self.centroid(nearest).map_or(f32::INFINITY, |centroid| squared(descriptor, centroid));
        if squared(descriptor, own) > best * (1.0 + TOLERANCE) + f32::EPSILON {
            return Some("is in another cell than the quantiser gives");
        }
        let residual: Vec<f32> =
            descriptor.iter().zip(own).map(|(value, centroid)| value - centroid).collect();
        let dsub = self.d / code.len();
        let norm: f32 = descriptor.iter().map(|value| value * value).sum();
        let parts = residual.chunks_exact(dsub).zip(self.codewords.chunks_exact(256 * dsub)).zip(code);
        let is_wrong = |((part, codewords), &code): ((&[f32], &[f32]), &u8)| {
            let distances = codewords.chunks_exact(dsub).map(|codeword| squared(part, codeword));
            let best = distances.fold(f32::INFINITY, f32::min);
            let own = squared(part, &codewords[usize::from(code) * dsub..][..dsub]);
            // Rounding moves the residual by a share of the descriptor, not of itself.
            own.sqrt() > best.sqrt() + TOLERANCE * norm.sqrt()
        };
        parts.into_iter().any(is_wrong).then_some("has another code than the quantiser gives")
    }
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
