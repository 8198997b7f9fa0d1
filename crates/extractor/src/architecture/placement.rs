//! The device and the precision that a network computes in.

use burn::tensor::Device;
use frozen_ops::Precision;

/// Device of a network, and precision of its products.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The device.
    pub device: Device,
    /// Precision of the convolutions; architectures other than ResNet support [`Precision::Single`] only.
    pub precision: Precision,
}
