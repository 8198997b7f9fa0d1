//! Queries: pictures, descriptors, or both.

use image::RgbImage;

/// Picture or descriptor that is looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The picture, from which views are made and over which witnesses are laid. Without one, there is one look.
    pub picture: Option<RgbImage>,
    /// Descriptor `[d]` of the picture as it is, if it is known already.
    pub descriptor: Option<Vec<f32>>,
}

impl Query {
    /// Picture that is not described yet.
    pub fn picture(picture: RgbImage) -> Self {
        Self { picture: Some(picture), descriptor: None }
    }

    /// Picture with its descriptor.
    pub fn described(picture: RgbImage, descriptor: Vec<f32>) -> Self {
        Self { picture: Some(picture), descriptor: Some(descriptor) }
    }

    /// Descriptor of an unknown picture.
    pub fn descriptor(descriptor: Vec<f32>) -> Self {
        Self { picture: None, descriptor: Some(descriptor) }
    }
}
