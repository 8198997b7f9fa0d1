//! Indexing in shares: machines make segments of their own, which one commit puts into use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    thread,
};

use active_index_collection::{Collection, FindSettings, Indexed, Meta};
use index::Metric;
use serde_json::json;

use crate::{
    place::{FACTORY, Place},
    promises::fixtures::{D, descriptors, entries, findings, quantiser, tensor, wait_for_others},
};

/// Entries stored at a time, each time in a fragment of their own.
const BLOCK: usize = 150;
/// Entries of all blocks.
const ENTRIES: usize = 12 * BLOCK;

/// Collection with many fragments, which nobody indexes in the background.
fn shop(place: &Place) -> Collection {
    let shop = place.create(&quantiser(FACTORY, Metric::L2), None).expect("creates");
    shop.set_segment_entries(1_000_000).expect("sets");
    store(&shop, 0, ENTRIES);
    shop
}

fn store(shop: &Collection, start: usize, end: usize) {
    let rows = descriptors(end, 5);
    for from in (start..end).step_by(BLOCK) {
        let to = end.min(from + BLOCK);
        shop.store(&entries(from..to), tensor(&rows[from * D..to * D])).expect("stores");
    }
}

/// Names and cosines that queries find.
fn answers(shop: &Collection) -> Vec<Vec<(i64, u32)>> {
    let settings = FindSettings { k: 10, nprobe: 4, ..FindSettings::default() };
    let found = shop.find(tensor(&descriptors(20, 77)), &settings).expect("finds");
    found.iter().map(|found| found.iter().map(|found| (found.id, found.cosine.to_bits())).collect()).collect()
}

/// Segments, and entries in none.
fn counts(shop: &Collection) -> (usize, usize) {
    let info = shop.info().expect("counts");
    (info.segments, info.fresh)
}

/// Cells and codes of all live entries.
fn codes(shop: &Collection) -> BTreeMap<i64, (usize, Vec<u8>)> {
    let lists = shop.export().expect("exports").lists().expect("has lists");
    let of = |cell: usize| lists.entries(cell).map(move |(id, code)| (id, (cell, code.to_vec())));
    (0..lists.nlist()).flat_map(of).collect()
}

fn waiting(shop: &Collection, share: u32, of: u32) -> Vec<u32> {
    shop.index(share, of).expect("indexes").waiting
}

/// Files of runs that are kept in a place.
fn kept(place: &Place) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(place.address()).join("indexing-runs"), &mut found);
    found
}

#[test]
fn the_last_of_four_shares_puts_all_into_use() {
    let place = Place::new();
    let shop = shop(&place);
    let (before, codes_before) = (answers(&shop), codes(&shop));
    let first = place.open().index(2, 4).expect("indexes");
    assert_eq!(first, Indexed { entries: ENTRIES as u64 / 4, waiting: vec![0, 1, 3] });
    // A share that is made again is known.
    assert_eq!(place.open().index(2, 4).expect("knows its share"), first);
    assert_eq!(waiting(&place.open(), 0, 4), [1, 3]);
    assert_eq!(waiting(&place.open(), 3, 4), [1]);
    wait_for_others();
    assert_eq!(counts(&shop), (0, ENTRIES), "shares are in use before all are made");
    assert_eq!(answers(&shop), before);
    assert_eq!(waiting(&place.open(), 1, 4), [0; 0]);
    wait_for_others();
    assert_eq!(counts(&shop), (4, 0));
    assert_eq!((answers(&shop), codes(&shop)), (before, codes_before));
    assert_eq!(findings(&shop), [""; 0]);
    assert_eq!(kept(&place), [] as [PathBuf; 0]);
    assert_eq!(shop.index(1, 4).expect("finds nothing to index"), Indexed::default());
}

#[test]
fn what_is_stored_and_changed_meanwhile_is_found() {
    let place = Place::new();
    let shop = shop(&place);
    assert_eq!(waiting(&shop, 0, 3), [1, 2]);
    let ids: Vec<i64> = codes(&shop).into_keys().collect();
    let gone: Vec<i64> = ids.iter().copied().step_by(7).collect();
    shop.withdraw(&gone).expect("withdraws");
    shop.set_meta(ids[1], &Meta::from_iter([("n".to_owned(), json!(1))])).expect("changes");
    store(&shop, ENTRIES, ENTRIES + 2 * BLOCK);
    assert_eq!(waiting(&shop, 1, 3), [2]);
    shop.restore(&gone[..20]).expect("restores");
    let before = answers(&shop);
    let live: BTreeSet<i64> = codes(&shop).into_keys().collect();
    assert_eq!(live.len(), ENTRIES + 2 * BLOCK - gone.len() + 20);
    assert_eq!(waiting(&shop, 2, 3), [0; 0]);
    let (segments, fresh) = counts(&shop);
    assert!(segments == 3 && fresh >= 2 * BLOCK, "{segments} segments, {fresh} in none");
    assert_eq!(answers(&shop), before);
    assert_eq!(codes(&shop).into_keys().collect::<BTreeSet<i64>>(), live);
    assert_eq!(findings(&shop), [""; 0]);
    assert_eq!(waiting(&shop, 0, 1), [0; 0]);
    assert_eq!((counts(&shop).1, answers(&shop)), (0, before));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn machines_that_work_at_once_put_everything_into_use_once() {
    let place = Place::new();
    let shop = shop(&place);
    let (before, codes_before) = (answers(&shop), codes(&shop));
    // Every share twice, as of a machine that was taken for dead.
    let ended: Vec<Indexed> = thread::scope(|scope| {
        let machines: Vec<_> = (0..8)
            .map(|machine| {
                let place = &place;
                scope.spawn(move || place.open().index(machine % 4, 4).expect("indexes"))
            })
            .collect();
        machines.into_iter().map(|machine| machine.join().expect("ends")).collect()
    });
    assert!(
        ended.iter().any(|ended| ended.waiting.is_empty()),
        "nobody has put the shares into use: {ended:?}"
    );
    wait_for_others();
    assert_eq!(counts(&shop), (4, 0));
    assert_eq!((answers(&shop), codes(&shop)), (before, codes_before));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn a_compaction_ends_a_run() {
    let place = Place::new();
    let shop = shop(&place);
    assert_eq!(waiting(&shop, 0, 2), [1]);
    assert_eq!(waiting(&shop, 4, 5), [0, 1, 2, 3]);
    shop.compact().expect("compacts");
    assert_eq!((counts(&shop), kept(&place)), ((1, 0), Vec::new()));
    assert_eq!(shop.index(1, 2).expect("finds nothing to index"), Indexed::default());
    assert_eq!(counts(&shop), (1, 0));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn two_runs_of_other_numbers_of_shares_index_nothing_twice() {
    let place = Place::new();
    let shop = shop(&place);
    let (before, codes_before) = (answers(&shop), codes(&shop));
    assert_eq!(waiting(&shop, 0, 2), [1]);
    assert_eq!(waiting(&shop, 0, 3), [1, 2]);
    assert_eq!(waiting(&shop, 1, 2), [0; 0]);
    assert_eq!(waiting(&shop, 1, 3), [2]);
    assert_eq!(waiting(&shop, 2, 3), [0; 0]);
    assert_eq!(counts(&shop), (2, 0));
    assert_eq!((answers(&shop), codes(&shop)), (before, codes_before));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn background_indexing_waits_for_a_run() {
    let place = Place::new();
    let shop = shop(&place);
    assert_eq!(waiting(&shop, 0, 2), [1]);
    shop.set_segment_entries(100).expect("sets");
    store(&shop, ENTRIES, ENTRIES + BLOCK);
    drop(shop);
    let shop = place.open();
    assert_eq!(counts(&shop), (0, ENTRIES + BLOCK));
    assert_eq!(waiting(&shop, 1, 2), [0; 0]);
    assert_eq!(counts(&shop), (2, BLOCK));
    store(&shop, ENTRIES + BLOCK, ENTRIES + 2 * BLOCK);
    drop(shop);
    assert_eq!(counts(&place.open()).1, 0);
}

#[test]
fn damaged_objects_of_a_run_are_named() {
    let place = Place::new();
    let shop = shop(&place);
    assert_eq!(waiting(&shop, 0, 2), [1]);
    let objects = kept(&place);
    assert_eq!(objects.len(), 2, "{objects:?}");
    for object in objects {
        let whole = fs::read(&object).expect("reads");
        let name = object.file_name().expect("a name").to_str().expect("text");
        for damaged in [&whole[..whole.len() / 2], b"", b"{\"entries\":1,\"segment\":[255,255]}"] {
            fs::write(&object, damaged).expect("writes");
            let refused = shop.index(1, 2).expect_err("reads damage").to_string();
            assert!(refused.contains(name) && !refused.contains('\n'), "{refused}");
        }
        fs::write(&object, whole).expect("writes");
    }
    assert_eq!(waiting(&shop, 1, 2), [0; 0]);
    assert_eq!(findings(&shop), [""; 0]);
}
