//! Witnesses: made of what is added and released, of the kind that the collection was created with.

use std::path::PathBuf;

use burn::tensor::Device;
use collection::Collection;
use image::RgbImage;
use witness::{Kind, Witness};

use super::Folder;

#[test]
fn witnesses_are_made_of_what_is_added_and_released() {
    let folder = Folder::with_photos(3);
    let kinds = [("shop", Kind::Keypoints), ("pictures", Kind::Thumbnails), ("bare", Kind::None)];
    folder.done("collection create pictures --quantiser quantiser.faiss --witness thumbnails");
    folder.done("collection create bare --quantiser quantiser.faiss --witness none");
    for (name, kind) in kinds {
        folder.done(&format!("collection add photos/0.png photos/1.png --collection {name}"));
        folder.done(&format!("release photos/2.png --collection {name} --out out-{name} --iterations 1"));
        let shop = Collection::open(&folder.path(name), &Device::flex()).unwrap();
        let of = |path: PathBuf| -> Option<Vec<u8>> {
            let picture: RgbImage = image::open(path).unwrap().into_rgb8();
            Witness::of(&picture, kind).map(|witness| witness.to_bytes())
        };
        let sources = ["photos/0.png".to_owned(), "photos/1.png".to_owned(), format!("out-{name}/2.png")];
        let expected: Vec<_> = sources.iter().map(|source| of(folder.path(source))).collect();
        assert!(shop.witnesses(&[1, 2, 3]).unwrap() == expected, "{name}");
        assert_eq!(expected[0].is_some(), kind != Kind::None);
    }
    let output = folder.run("collection create other --quantiser quantiser.faiss --witness moons");
    assert_eq!(output.status.code(), Some(2));
}
