//! Keys that tell descriptors of edited images apart.

use extractor::{Extractor, Precision};
use image::RgbImage;
use looks::Look;
use sha2::{Digest, Sha256};

use crate::edits::Edit;

/// Key of a descriptor: a hash of the image's pixels, the edit, its seed, the extractor and the version of the program.
pub type Key = [u8; 16];

/// Hash of everything that a set of keys has in common.
pub struct Keys(Sha256);

impl Keys {
    /// Begins keys of an extractor, and of this version of the program: another one may edit differently.
    pub fn new(extractor: &Extractor) -> Self {
        Self::of_computation(&computation(extractor))
    }

    fn of_computation(computation: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self(Sha256::new_with_prefix(format!("{version} {computation} ")))
    }

    /// Begins keys of an image.
    pub fn of_image(&self, image: &RgbImage) -> Self {
        let mut hasher = self.0.clone();
        hasher.update(image.width().to_le_bytes());
        hasher.update(image.as_raw());
        Self(hasher)
    }

    /// Returns the key of an edit of the image.
    pub fn of_edit(&self, edit: &Edit, seed: u64) -> Key {
        self.of(&format!(" {edit} {seed}"))
    }

    /// Returns the key of a view of an edit of the image.
    pub fn of_look(&self, edit: &Edit, seed: u64, look: &Look) -> Key {
        self.of(&format!(" {edit} {seed} {look:?}"))
    }

    /// Returns the key of a view of a picture, whatever it came from: of its pixels alone.
    pub fn of_view(&self, view: &RgbImage) -> Key {
        self.of_image(view).of(" view")
    }

    fn of(&self, work: &str) -> Key {
        let mut hasher = self.0.clone();
        hasher.update(work);
        let mut key = Key::default();
        key.copy_from_slice(&hasher.finalize()[..16]);
        key
    }
}

/// Returns a name that differs between computations of different descriptors, even if only by rounding.
fn computation(extractor: &Extractor) -> String {
    let fingerprint = extractor.fingerprint();
    match extractor.precisions().descriptors {
        Precision::Single => fingerprint,
        rounded => format!("{fingerprint} {rounded}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_pixels_edits_seeds_and_extractors_apart() {
        let image = RgbImage::new(4, 2);
        let turned = RgbImage::new(2, 4);
        let key = |computation: &str, image: &RgbImage, edit: &str, seed| {
            Keys::of_computation(computation).of_image(image).of_edit(&edit.parse().unwrap(), seed)
        };
        let all = [
            key("a", &image, "none", 0),
            key("b", &image, "none", 0),
            key("a", &turned, "none", 0),
            key("a", &image, "meme", 0),
            key("a", &image, "none", 1),
            Keys::of_computation("a").of_view(&image),
            Keys::of_computation("a").of_view(&turned),
        ];
        assert!((1..all.len()).all(|i| !all[..i].contains(&all[i])));
        assert_eq!(all[0], key("a", &image, "none", 0));
    }
}
