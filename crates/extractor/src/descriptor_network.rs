//! Descriptor networks as a trait, and descriptors of images of different sizes.

use burn::tensor::Tensor;

use crate::{extractor::Extractor, preprocess::resize_transposed};

/// Descriptor network in two halves: images of different sizes are prepared one by one, then described together.
///
/// Both halves must be differentiable with respect to their argument, and the first one linear.
pub trait DescriptorNetwork {
    /// Length of a descriptor.
    fn dimension(&self) -> usize;

    /// Returns the standard deviation that the network divides each channel of its input by, in [0, 1]: the unit of its
    /// normalised space.
    fn std(&self) -> [f32; 3];

    /// Returns an image at the size of the network's input.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` in [0, 1] -> `[1, 3, h', w']` in [0, 1]
    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4>;

    /// Applies the transpose of [`Self::prepare`] for images of `h` x `w`: turns a gradient with respect to the prepared
    /// image into one with respect to the image.
    ///
    /// # Shapes
    /// `[1, 3, h', w']` -> `[1, 3, h, w]`
    fn prepare_transposed(&self, gradient: Tensor<4>, [h, w]: [usize; 2]) -> Tensor<4> {
        let pixels = Tensor::zeros([1, 3, h, w], &gradient.device()).autodiff().require_grad();
        let mut gradients = (self.prepare(pixels.clone()) * gradient.autodiff()).sum().backward();
        pixels.grad_remove(&mut gradients).unwrap_or_else(|| pixels.inner())
    }

    /// Returns the descriptors of prepared images of one size.
    ///
    /// # Shapes
    /// `[n, 3, h', w']` in [0, 1] -> `[n, d]`, unit norm
    fn describe(&self, input: Tensor<4>) -> Tensor<2>;
}

impl DescriptorNetwork for Extractor {
    fn dimension(&self) -> usize {
        Extractor::dimension(self)
    }

    fn std(&self) -> [f32; 3] {
        self.preprocess().std
    }

    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
        self.preprocess().resize(pixels)
    }

    fn prepare_transposed(&self, gradient: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        resize_transposed(gradient, size)
    }

    fn describe(&self, input: Tensor<4>) -> Tensor<2> {
        Extractor::describe(self, self.preprocess().normalize(input))
    }
}

/// Returns the descriptors of images of any sizes. Images of one prepared size share a pass of the network.
///
/// # Shapes
/// `n` images `[1, 3, h, w]` in [0, 1] -> `[n, d]`, unit norm
///
/// # Panics
/// If there is no image.
pub fn describe(
    extractor: &impl DescriptorNetwork,
    images: impl IntoIterator<Item = Tensor<4>>,
) -> Tensor<2> {
    describe_prepared(extractor, images.into_iter().map(|pixels| extractor.prepare(pixels)).collect())
}

/// Returns the descriptors of images that went through [`DescriptorNetwork::prepare`], so that the images themselves need
/// not stay in memory.
///
/// # Shapes
/// `[m, 3, h', w']` each, `n` images in all -> `[n, d]`, unit norm, in their order
///
/// # Panics
/// If there is no input.
pub fn describe_prepared(extractor: &impl DescriptorNetwork, inputs: Vec<Tensor<4>>) -> Tensor<2> {
    let sizes: Vec<[usize; 4]> = inputs.iter().map(Tensor::dims).collect();
    let size = |i: usize| [sizes[i][2], sizes[i][3]];
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&i| size(i));
    let of_a_size = order.chunk_by(|&a, &b| size(a) == size(b));
    let together = of_a_size.map(|alike| {
        let inputs = alike.iter().map(|&i| inputs[i].clone()).collect();
        extractor.describe(Tensor::cat(inputs, 0))
    });
    let descriptors = Tensor::cat(together.collect(), 0);
    if order.is_sorted() {
        return descriptors;
    }
    in_order(descriptors, &order, |i| sizes[i][0])
}

/// Sorts rows by input: `rows` holds those of input `order[0]` first, then those of `order[1]`, and so on. Input `i` has
/// `rows_of(i)` of them.
fn in_order(rows: Tensor<2>, order: &[usize], rows_of: impl Fn(usize) -> usize) -> Tensor<2> {
    let mut places = vec![None; order.len()];
    let mut first = 0;
    for &input in order {
        places[input] = Some(rows.clone().narrow(0, first, rows_of(input)));
        first += rows_of(input);
    }
    Tensor::cat(places.into_iter().flatten().collect(), 0)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use burn::tensor::Device;

    use super::*;

    /// Network whose descriptor is the mean of the image; it records the shapes of its inputs.
    #[derive(Default)]
    struct Mean {
        seen: RefCell<Vec<[usize; 4]>>,
    }

    impl DescriptorNetwork for Mean {
        fn dimension(&self) -> usize {
            1
        }

        fn std(&self) -> [f32; 3] {
            [1.0; 3]
        }

        fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
            pixels
        }

        fn describe(&self, input: Tensor<4>) -> Tensor<2> {
            self.seen.borrow_mut().push(input.dims());
            input.flatten::<2>(1, 3).mean_dim(1)
        }
    }

    #[test]
    fn images_of_equal_size_share_a_pass_and_keep_their_order() {
        let shapes = [[1, 3, 4, 6], [2, 3, 5, 5], [1, 3, 4, 6], [1, 3, 5, 5], [1, 3, 9, 2]];
        let levels = |i: usize| Tensor::<4>::full(shapes[i], i as f32, &Device::flex());
        let network = Mean::default();
        let found = describe_prepared(&network, (0..shapes.len()).map(levels).collect());
        let found = found.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(found, [0.0, 1.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(network.seen.into_inner(), [[2, 3, 4, 6], [3, 3, 5, 5], [1, 3, 9, 2]]);
    }
}
