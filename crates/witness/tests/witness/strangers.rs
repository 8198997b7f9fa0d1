//! Pictures that have nothing in common are not confirmed, and flat ones say that they decide nothing.

use active_index_witness::{Comparison, Kind, Query, Witness};
use image::{Rgb, RgbImage};

use crate::pictures::{blocks, sample_files};

#[test]
fn different_photographs_have_few_inliers() {
    let photographs: Vec<RgbImage> =
        sample_files().iter().map(|file| image::open(file).expect("a photograph").into_rgb8()).collect();
    let queries: Vec<Query> = photographs.iter().map(Query::of).collect();
    let witness = |photograph| Witness::of(photograph, Kind::Keypoints).expect("a photograph");
    let witnesses: Vec<Witness> = photographs.iter().map(witness).collect();
    for (i, query) in queries.iter().enumerate() {
        for (j, witness) in witnesses.iter().enumerate().filter(|&(j, _)| j != i) {
            let comparison = query.compare(witness);
            assert!(comparison.inliers <= 9, "{i} on {j}: {comparison:?}");
        }
    }
}

#[test]
fn different_textures_have_few_inliers() {
    let query = Query::of(&blocks(500, 400, 11, 1));
    for seed in 2..8 {
        let witness = Witness::of(&blocks(500, 400, 11, seed), Kind::Keypoints).expect("a texture");
        let comparison = query.compare(&witness);
        assert!(comparison.inliers <= 9, "{comparison:?}");
    }
}

#[test]
fn flat_pictures_say_so() {
    let flat = RgbImage::from_fn(300, 200, |x, _| Rgb([(x / 3) as u8; 3]));
    let texture = blocks(500, 400, 11, 1);
    for kind in [Kind::Keypoints, Kind::Thumbnails] {
        let [sky, full] = [&flat, &texture].map(|picture| Witness::of(picture, kind).expect("it has pixels"));
        assert!(sky.is_flat() && !full.is_flat());
        let expected = Comparison { inliers: 0, matched: 0, is_flat: true, agreement: None, fit: None };
        assert_eq!(Query::of(&flat).compare(&sky), expected);
        assert!(Query::of(&texture).compare(&sky).is_flat && Query::of(&flat).compare(&full).is_flat);
    }
}

#[test]
fn pictures_of_any_shape_are_compared() {
    for (width, height) in [(1, 1), (1, 5000), (5000, 1), (11, 11), (40, 2000), (3000, 24)] {
        let picture = blocks(width, height, 3, 5);
        let query = Query::of(&picture);
        for kind in [Kind::Keypoints, Kind::Thumbnails] {
            let witness = Witness::of(&picture, kind).expect("it has pixels");
            assert_eq!(witness.dimensions(), (width, height));
            query.compare(&witness);
            assert_eq!(Witness::from_bytes(&witness.to_bytes()), Ok(witness));
        }
    }
    assert_eq!(Witness::of(&RgbImage::new(0, 5), Kind::Keypoints), None);
    assert!(Query::of(&RgbImage::new(0, 0)).is_flat());
}
