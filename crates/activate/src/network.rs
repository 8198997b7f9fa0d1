use burn::tensor::Tensor;
use extractor::Extractor;

/// A descriptor network, in the two halves that a batch of images of different sizes needs.
///
/// Both halves must be differentiable with respect to their argument.
pub trait DescriptorNetwork {
    /// Length of a descriptor.
    fn dimension(&self) -> usize;

    /// The network's input for one image.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` in [0, 1] -> `[1, c, h', w']`
    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4>;

    /// Descriptors of prepared images of one size.
    ///
    /// # Shapes
    /// `[n, c, h', w']` -> `[n, d]`, unit norm
    fn describe(&self, input: Tensor<4>) -> Tensor<2>;
}

impl DescriptorNetwork for Extractor {
    fn dimension(&self) -> usize {
        Extractor::dimension(self)
    }

    fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
        self.preprocess().forward(pixels)
    }

    fn describe(&self, input: Tensor<4>) -> Tensor<2> {
        Extractor::describe(self, input)
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
/// `n` inputs `[1, c, h', w']` -> `[n, d]`, unit norm
///
/// # Panics
/// If there is no input.
pub fn describe_prepared(extractor: &impl DescriptorNetwork, inputs: Vec<Tensor<4>>) -> Tensor<2> {
    if inputs.windows(2).all(|pair| pair[0].dims() == pair[1].dims()) {
        return extractor.describe(Tensor::cat(inputs, 0));
    }
    Tensor::cat(inputs.into_iter().map(|input| extractor.describe(input)).collect(), 0)
}
