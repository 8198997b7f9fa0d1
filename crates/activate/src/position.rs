//! Positions of descriptors in an index, relative to their targets.

use burn::tensor::Tensor;
use device_math::transfer::download;
use index::{Index, Targets};

use crate::{Result, objective::cosine};

/// Position of a descriptor in an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Descriptor of the image: `[d]`.
    pub descriptor: Vec<f32>,
    /// Nearest cell of the coarse quantiser, if the index has one.
    pub cell: Option<i64>,
    /// Cosine to the target's point.
    pub cosine: f32,
    /// Squared L2 distance to the target's point.
    pub distance: f32,
    /// Number of hyperplanes with the descriptor on the wrong side, if the index's codes are sides of hyperplanes
    /// (`LSH`).
    pub wrong_bits: Option<usize>,
}

/// Positions of descriptors `[n, d]` with respect to `n` targets.
///
/// # Errors
/// If the index refuses a descriptor (not finite), or a tensor cannot be read from its device.
pub(crate) fn positions(index: &Index, descriptors: Tensor<2>, targets: &Targets) -> Result<Vec<Position>> {
    let cells = index.cells(descriptors.clone())?;
    let wrong_bits = targets.signs.as_ref().map(|signs| wrong_bits(signs.margins(descriptors.clone())));
    let wrong_bits = wrong_bits.transpose()?;
    let difference = descriptors.clone() - targets.points.clone();
    let distance = (difference.clone() * difference).sum_dim(1);
    let [_, d] = descriptors.dims();
    let figures = vec![cosine(descriptors.clone(), targets.points.clone()), distance, descriptors];
    let rows = download(Tensor::cat(figures, 1))?;
    let position = |(i, row): (usize, &[f32])| Position {
        descriptor: row[2..].to_vec(),
        cell: cells.as_ref().map(|cells| cells[i]),
        cosine: row[0],
        distance: row[1],
        wrong_bits: wrong_bits.as_ref().map(|bits| bits[i]),
    };
    Ok(rows.chunks_exact(2 + d).enumerate().map(position).collect())
}

/// Number of negative margins in each row, `[n, nbits]` -> `n`.
fn wrong_bits(margins: Tensor<2>) -> Result<Vec<usize>> {
    let counts = download(margins.lower_elem(0.0).float().sum_dim(1))?;
    Ok(counts.into_iter().map(|count| count as usize).collect())
}
