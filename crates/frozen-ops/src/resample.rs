//! Resampling of images by a banded matrix on either side: resizing.

use burn::{
    backend::Dispatch,
    tensor::{Device, Tensor},
};
use device_math::{constants::lifted, exact_products::matmul, transfer::upload};

use crate::{
    BandedMatrix,
    ops::resample::{ResampleBackend, Separable},
};

/// Product `rows X columns^T` of every plane of images, for images of one size on one device.
#[derive(Debug, Clone)]
pub struct Resample {
    matrices: Separable,
    device: Device,
    /// Rows `[1, 1, h', h]` and columns `[1, 1, w', w]` on the device. The CPU multiplies by the bands instead.
    dense: Option<[Tensor<4>; 2]>,
}

impl Resample {
    /// Takes `rows` `[h', h]` and `columns` `[w', w]`, and sends them to the device.
    pub fn new(rows: BandedMatrix, columns: BandedMatrix, device: &Device) -> Self {
        let dense =
            |matrix: &BandedMatrix| upload(matrix.dense(), [1, 1, matrix.rows(), matrix.columns()], device);
        let dense = (*device != Device::flex()).then(|| [dense(&rows), dense(&columns)]);
        let matrices = Separable { rows: rows.into(), columns: columns.into() };
        Self { matrices, device: device.clone(), dense }
    }

    /// Device of the matrices.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Height and width of images, before and after.
    pub fn sizes(&self) -> [[usize; 2]; 2] {
        let Separable { rows, columns } = &self.matrices;
        [[rows.columns(), columns.columns()], [rows.rows(), columns.rows()]]
    }

    /// Resamples images. Gradients flow to tracked images.
    ///
    /// # Shapes
    /// `[n, c, h, w]` -> `[n, c, h', w']`
    ///
    /// # Panics
    /// On images of another height, width or device.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        assert_eq!([h, w], self.sizes()[0], "height and width of the images");
        let Some([rows, columns]) = &self.dense else {
            let images = images.into_dispatch();
            return Tensor::from_dispatch(Dispatch::resample_planes(images, self.matrices.clone()));
        };
        between(rows.clone(), images, columns.clone().swap_dims(2, 3))
    }

    /// Returns `rows^T X columns` of every plane: the gradient of [`Self::forward`].
    ///
    /// # Shapes
    /// `[n, c, h', w']` -> `[n, c, h, w]`
    ///
    /// # Panics
    /// On images of another height, width or device.
    pub fn transposed(&self, gradient: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = gradient.dims();
        assert_eq!([h, w], self.sizes()[1], "height and width of the images");
        let Some([rows, columns]) = &self.dense else {
            let gradient = gradient.into_dispatch();
            return Tensor::from_dispatch(Dispatch::resample_planes_gradient(
                gradient,
                self.matrices.clone(),
            ));
        };
        between(rows.clone().swap_dims(2, 3), gradient, columns.clone())
    }
}

/// Returns `left X right`, by operations of any device.
fn between(left: Tensor<4>, images: Tensor<4>, right: Tensor<4>) -> Tensor<4> {
    let [left, right] = [left, right].map(|matrix| lifted(&matrix, &images));
    let ([_, _, to, from], [_, _, narrow, wide]) = (left.dims(), right.dims());
    // The dimension that shrinks most, or grows least, comes first: the intermediate images are smaller.
    let left_first = to * narrow <= from * wide;
    match left_first {
        true => matmul(matmul(left, images), right),
        false => matmul(left, matmul(images, right)),
    }
}
