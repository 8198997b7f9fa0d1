//! Cross-entropy of a descriptor's own cells among all cells of an index.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};
use device_math::{constants::lifted, exact_products::matmul, transfer::upload_ints};
use index::{Index, Metric};

use crate::{Error, Result};

/// Temperature of the softmax over squared distances or inner products. Squared distances from a unit vector to the
/// nearest of 4,096 centroids differ by about 0.02.
const TEMPERATURE: f64 = 0.02;

/// Cells that images are to stay in.
#[derive(Debug, Clone)]
pub(crate) struct CellMargin {
    /// Centroids in columns, divided by the temperature, `[d, nlist]`.
    centroids: Tensor<2>,
    /// Offset of each cell's logit, `[1, nlist]`.
    offsets: Tensor<2>,
    /// Own cells of each image, the same number for all.
    own: Vec<Vec<i64>>,
    /// Number of cells that a search visits.
    nprobe: usize,
}

impl CellMargin {
    /// Margin of images with these own cells.
    ///
    /// # Errors
    /// If the index has no cells, or lies behind transforms that cannot be inverted.
    pub(crate) fn new(index: &Index, mut own: Vec<Vec<i64>>, nprobe: usize) -> Result<Self> {
        // A graph quantiser may find fewer cells for one image than for another: its first cell fills the rest.
        let most = own.iter().map(Vec::len).max().unwrap_or(0);
        own.iter_mut().for_each(|cells| cells.resize(most, cells.first().copied().unwrap_or(0)));
        let no_cells = || Error::NoCells { factory: index.factory().to_string() };
        let centroids = index.centroids()?.ok_or_else(no_cells)?;
        let squares = (centroids.clone() * centroids.clone()).sum_dim(1).transpose();
        // -|x - c|^2 is 2 x.c - |c|^2 up to a term that all cells share.
        let (products, squares) = match index.metric() {
            Metric::L2 => (2.0, squares.neg()),
            Metric::InnerProduct => (1.0, squares.zeros_like()),
        };
        let centroids = centroids.transpose() * (products / TEMPERATURE);
        Ok(Self { centroids, offsets: squares / TEMPERATURE, own, nprobe })
    }

    /// Own cells of rows, given the index in the batch of each row's image: `[n, cells]`, on the device.
    pub(super) fn own(&self, images: &[usize]) -> Tensor<2, Int> {
        let own: Vec<i32> =
            images.iter().flat_map(|&image| self.own[image].iter().map(|&cell| cell as i32)).collect();
        let shape = [images.len(), own.len() / images.len().max(1)];
        upload_ints(own, shape, &self.centroids.device())
    }

    /// Cross-entropy of each row, and 1 for a row in one of its own cells or 0.
    ///
    /// # Shapes
    /// `[n, d]`, `[n, cells]` -> `[n, 1]`, `[n, 1]`
    pub(super) fn loss(&self, descriptors: Tensor<2>, own: Tensor<2, Int>) -> (Tensor<2>, Tensor<2>) {
        let centroids = lifted(&self.centroids, &descriptors);
        let logits = matmul(descriptors.clone(), centroids) + lifted(&self.offsets, &descriptors);
        let plain = logits.clone().inner();
        let hidden = self.without_rivalry(plain.clone(), own.clone());
        let nearest_rival = (plain.clone() - hidden.clone()).max_dim(1);
        let inside = plain.gather(1, own.clone()).max_dim(1).greater_equal(nearest_rival).float();
        let rivals = log_sum_exp(logits.clone() - lifted(&hidden, &logits));
        let own = log_sum_exp(logits.gather(1, if descriptors.is_autodiff() { own.autodiff() } else { own }));
        let losses = log_sum_exp(Tensor::cat(vec![own.clone(), rivals], 1)) - own;
        (losses, inside)
    }

    /// Large numbers for the cells that do not compete, to be subtracted from their logits: the own cells, and the
    /// `nprobe - 1` nearest others, which a search visits besides an own cell.
    ///
    /// # Shapes
    /// `[n, nlist]`, `[n, cells]` -> `[n, nlist]`
    fn without_rivalry(&self, logits: Tensor<2>, own: Tensor<2, Int>) -> Tensor<2> {
        const FAR: f64 = 1e6;
        let far = Tensor::full(own.dims(), FAR, &logits.device());
        let mut hidden = logits.zeros_like().scatter(1, own, far, IndexingUpdateOp::Add);
        for _ in 1..self.nprobe {
            let others = logits.clone() - hidden.clone();
            let nearest = others.clone().max_dim(1);
            hidden = hidden + others.greater_equal(nearest).float() * FAR;
        }
        hidden
    }
}

/// Logarithm of the sum of exponentials of each row.
///
/// # Shapes
/// `[n, m]` -> `[n, 1]`
fn log_sum_exp(x: Tensor<2>) -> Tensor<2> {
    let most = x.clone().detach().max_dim(1);
    (x - most.clone()).exp().sum_dim(1).log() + most
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn cells(own: Vec<Vec<i64>>, nprobe: usize) -> CellMargin {
        let rows: Vec<f32> = (0..5 * 4).map(|i| ((i * 7919 % 13) as f32 - 6.0) / 20.0).collect();
        let centroids = Tensor::<2>::from_data(TensorData::new(rows, [5, 4]), &Device::flex());
        let squares = (centroids.clone() * centroids.clone()).sum_dim(1).transpose();
        let centroids = centroids.transpose() * (2.0 / TEMPERATURE);
        CellMargin { centroids, offsets: squares / -TEMPERATURE, own, nprobe }
    }

    /// Compares with the cross-entropy by its definition, in double precision.
    #[test]
    fn the_loss_of_cells_is_the_softmax_of_distances() {
        let x = [0.1f32, -0.2, 0.05, 0.15];
        let rows: Vec<Vec<f64>> = (0..5)
            .map(|r| (0..4).map(|c| (((r * 4 + c) * 7919 % 13) as f64 - 6.0) / 20.0).collect())
            .collect();
        let distance =
            |row: &Vec<f64>| row.iter().zip(x).map(|(c, x)| (c - f64::from(x)).powi(2)).sum::<f64>();
        let weights: Vec<f64> = rows.iter().map(|row| (-distance(row) / TEMPERATURE).exp()).collect();
        let owns = [vec![2], vec![0, 3], vec![4, 1, 2]];
        for (own, nprobe) in owns.iter().flat_map(|own| (1..=4).map(move |nprobe| (own, nprobe))) {
            let mine: Vec<usize> = own.iter().map(|&cell| cell as usize).collect();
            let mut others: Vec<usize> = (0..5).filter(|cell| !mine.contains(cell)).collect();
            others.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
            let rivals = others.get(nprobe - 1..).unwrap_or_default();
            let sum = |cells: &[usize]| cells.iter().map(|&cell| weights[cell]).sum::<f64>();
            let expected = -(sum(&mine) / (sum(&mine) + sum(rivals))).ln();
            let goal = cells(vec![vec![0; own.len()], own.clone()], nprobe);
            let descriptor = Tensor::<2>::from_floats([x], &Device::flex());
            let (losses, inside) = goal.loss(descriptor, goal.own(&[1]));
            let found = f64::from(losses.into_scalar::<f32>());
            assert!((found - expected).abs() < 1e-4, "{own:?}, {nprobe} visited: {found} for {expected}");
            let most = |cells: &[usize]| cells.iter().map(|&cell| weights[cell]).fold(0.0, f64::max);
            let is_inside = inside.into_scalar::<f32>() == 1.0;
            assert_eq!(is_inside, most(&mine) >= most(rivals), "{own:?}, {nprobe} visited");
        }
    }
}
