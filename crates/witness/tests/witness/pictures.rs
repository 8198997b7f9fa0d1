//! Photographs of the repository, and drawn textures.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

/// Files of the sample photographs, by name.
pub fn sample_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let files = folder.read_dir().expect("the samples are in the repository");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jpg"));
    files.sort();
    assert_eq!(files.len(), 20);
    files
}

/// A sample photograph.
pub fn sample(number: usize) -> RgbImage {
    image::open(&sample_files()[number]).expect("a photograph").into_rgb8()
}

/// Blocks of random greys, the same for a seed.
pub fn blocks(width: u32, height: u32, side: u32, seed: u32) -> RgbImage {
    let mix = |v: u32| (v ^ v >> 15).wrapping_mul(0x2c1b_3c6d);
    let hash = |v: u32| mix(mix(v) ^ mix(v) >> 12);
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(hash(hash(hash(x / side) ^ (y / side)) ^ seed) >> 24) as u8; 3])
    })
}
