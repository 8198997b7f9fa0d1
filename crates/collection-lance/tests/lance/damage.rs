//! Damage: segments and fragments that cannot be read, and what killed creations leave.

use std::{
    fs,
    path::{Path, PathBuf},
};

use active_index_collection::{Collection, Error, FindSettings};
use index::Metric;

use crate::{
    place::{FACTORY, Place},
    promises::fixtures::{D, descriptors, entries, findings, quantiser, tensor, wait_for_others},
};

const ENTRIES: usize = 600;

/// Collection of one segment and a few fragments, in a folder whatever the environment says.
fn filled() -> (Place, PathBuf) {
    let place = Place::in_folder();
    let shop = place.create(&quantiser(FACTORY, Metric::L2), None).expect("creates");
    shop.set_segment_entries(1_000_000).expect("sets");
    let rows = descriptors(ENTRIES, 5);
    for start in (0..ENTRIES).step_by(200) {
        let part = tensor(&rows[start * D..(start + 200) * D]);
        shop.store(&entries(start..start + 200), part).expect("stores");
    }
    shop.index(0, 1).expect("indexes");
    assert_eq!(findings(&shop), [""; 0]);
    let path = PathBuf::from(place.address());
    (place, path)
}

/// Files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("lists") {
        match entry.expect("is there").path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found.sort();
    found
}

fn answers(shop: &Collection) -> Vec<Vec<i64>> {
    let settings = FindSettings { k: 5, nprobe: 4, ..FindSettings::default() };
    let found = shop.find(tensor(&descriptors(20, 77)), &settings).expect("finds");
    found.iter().map(|found| found.iter().map(|found| found.id).collect()).collect()
}

#[test]
fn a_damaged_segment_is_named_by_a_check_and_made_anew_by_a_compaction() {
    for damage in [|path: &Path| fs::remove_file(path), |path: &Path| fs::write(path, "no index")] {
        let (place, path) = filled();
        let before = answers(&place.open());
        let index = files(&path.join("entries.lance/_indices"));
        let of_codes: Vec<&PathBuf> = index.iter().filter(|path| path.ends_with("auxiliary.idx")).collect();
        assert!(!of_codes.is_empty(), "{index:?}");
        of_codes.into_iter().for_each(|path| damage(path).expect("damages"));
        let shop = place.open();
        assert!(!findings(&shop).is_empty(), "the damage is not found");
        shop.compact().expect("compacts");
        drop(shop);
        wait_for_others();
        let shop = place.open();
        assert_eq!(findings(&shop), [""; 0]);
        assert_eq!(answers(&shop), before);
    }
}

#[test]
fn a_check_goes_on_after_a_fragment_that_cannot_be_read() {
    let (place, path) = filled();
    let data = files(&path.join("entries.lance/data"));
    assert!(data.len() >= 3, "{data:?}");
    fs::write(&data[0], "no fragment").expect("damages");
    let found = findings(&place.open());
    assert_eq!(found.len(), 1, "one finding for one fragment: {found:#?}");
    fs::remove_file(&data[2]).expect("removes");
    assert_eq!(findings(&place.open()).len(), 2);
}

#[test]
fn what_a_killed_creation_left_is_completed_or_named() {
    let (place, path) = filled();
    // A killed creation has stored nothing yet, and given out no id.
    for left in fs::read_dir(&path).expect("lists").map(|left| left.expect("is there").path()) {
        match left.extension().is_some_and(|ending| ending == "lance" || ending == "faiss") {
            true => {}
            false if left.is_dir() => fs::remove_dir_all(left).expect("removes"),
            false => fs::remove_file(left).expect("removes"),
        }
    }
    let other = quantiser("IVF24,PQ8x8", Metric::L2);
    let refused = place.create(&other, None).err().expect("another quantiser has other columns");
    assert!(
        matches!(refused, Error::Damaged { .. }) && refused.to_string().contains("left over"),
        "{refused}"
    );
    assert!(!path.join("collection.json").exists(), "the place is claimed");
    place.create(&quantiser(FACTORY, Metric::L2), None).expect("creates");
}
