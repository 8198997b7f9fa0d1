use burn::tensor::Tensor;
use extractor::{Extractor, resize_transposed};

/// A descriptor network, in the two halves that a batch of images of different sizes needs.
///
/// Both halves must be differentiable with respect to their argument, and the first one linear.
pub trait DescriptorNetwork {
    /// Length of a descriptor.
    fn dimension(&self) -> usize;

    /// An image at the size of the network's input.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` in [0, 1] -> `[1, 3, h', w']` in [0, 1]
    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4>;

    /// The transpose of [`Self::prepare`] for images of `h` x `w`: what a gradient to the prepared image is to the image.
    ///
    /// # Shapes
    /// `[1, 3, h', w']` -> `[1, 3, h, w]`
    fn lift(&self, gradient: Tensor<4>, [h, w]: [usize; 2]) -> Tensor<4> {
        let pixels = Tensor::zeros([1, 3, h, w], &gradient.device()).autodiff().require_grad();
        let mut gradients = (self.prepare(pixels.clone()) * gradient.autodiff()).sum().backward();
        pixels.grad_remove(&mut gradients).unwrap_or_else(|| pixels.inner())
    }

    /// Descriptors of prepared images of one size.
    ///
    /// # Shapes
    /// `[n, 3, h', w']` in [0, 1] -> `[n, d]`, unit norm
    fn describe(&self, input: Tensor<4>) -> Tensor<2>;
}

impl DescriptorNetwork for Extractor {
    fn dimension(&self) -> usize {
        Extractor::dimension(self)
    }

    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
        self.preprocess().resize(pixels)
    }

    fn lift(&self, gradient: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        resize_transposed(gradient, size)
    }

    fn describe(&self, input: Tensor<4>) -> Tensor<2> {
        Extractor::describe(self, self.preprocess().normalize(input))
    }
}

/// Descriptors of images of any sizes, in one pass of the network where their prepared sizes agree.
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

/// The same for images that went through [`DescriptorNetwork::prepare`]: one that is prepared as soon as it is read need
/// not stay in memory.
///
/// # Shapes
/// `n` images `[1, 3, h', w']` -> `[n, d]`, unit norm
///
/// # Panics
/// If there is no input.
pub fn describe_prepared(extractor: &impl DescriptorNetwork, inputs: Vec<Tensor<4>>) -> Tensor<2> {
    if inputs.windows(2).all(|pair| pair[0].dims() == pair[1].dims()) {
        return extractor.describe(Tensor::cat(inputs, 0));
    }
    Tensor::cat(inputs.into_iter().map(|input| extractor.describe(input)).collect(), 0)
}
