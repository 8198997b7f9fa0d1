//! Witnesses that are kept with entries, catalogues that had no place for them, and calibrations.

use active_index_collection::{Collection, Digest, NewEntry, State, Stored, WITNESS_BYTES};
use index::Metric;

use crate::fixtures::{
    D, KIND, collection, descriptors, entries, findings, open, quantiser, tensor, with_witness,
};

fn ids(stored: &[Stored]) -> Vec<i64> {
    stored.iter().map(Stored::id).collect()
}

#[test]
fn a_witness_stays_with_its_entry_until_the_entry_is_dropped() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("shop");
    let (shop, other) = (collection(&path), open(&path));
    assert_eq!(other.description().witness_kind.as_deref(), Some(KIND));
    let mut new: Vec<NewEntry> = entries(0..40).into_iter().map(with_witness).collect();
    new[3].witness = None;
    new[4].witness = Some(Vec::new());
    new[5].witness = Some(vec![7; WITNESS_BYTES]);
    let stored = ids(&shop.store(&new, tensor(&descriptors(40, 3))).expect("stores"));
    let mut expected: Vec<Option<Vec<u8>>> = new.iter().map(|entry| entry.witness.clone()).collect();
    assert_eq!(other.witnesses(&stored).expect("reads"), expected);
    assert_eq!(
        shop.witnesses(&[stored[1], 9999, stored[0]]).expect("reads"),
        [expected[1].clone(), None, expected[0].clone()]
    );

    shop.withdraw(&stored[8..12]).expect("withdraws");
    assert_eq!(other.witnesses(&stored).expect("reads"), expected, "until they are dropped");
    other.restore(&stored[8..9]).expect("restores");
    shop.compact().expect("compacts");
    expected[9..12].fill(None);
    assert_eq!(other.witnesses(&stored).expect("reads"), expected);
    let info = other.info().expect("counts");
    let kept: Vec<&Vec<u8>> = expected.iter().flatten().collect();
    let bytes: usize = kept.iter().map(|witness| witness.len()).sum();
    assert_eq!((info.witnesses, info.witness_bytes), (kept.len() as u64, bytes as u64));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn the_bytes_of_dropped_witnesses_go_back_to_the_file_system() {
    let folder = tempfile::tempdir().expect("folder");
    let shop = collection(&folder.path().join("shop"));
    let mut new = entries(0..50);
    new.iter_mut().for_each(|entry| entry.witness = Some(vec![1; 20_000]));
    let stored = ids(&shop.store(&new, tensor(&descriptors(50, 3))).expect("stores"));
    shop.compact().expect("compacts");
    let before = shop.info().expect("counts").bytes;
    shop.withdraw(&stored[..40]).expect("withdraws");
    shop.compact().expect("compacts");
    let after = shop.info().expect("counts").bytes;
    assert!(after + 700_000 < before, "{before} bytes, then {after}");
}

#[test]
fn a_completed_entry_has_the_witness_it_was_completed_with() {
    let folder = tempfile::tempdir().expect("folder");
    let shop = collection(&folder.path().join("shop"));
    let rows = descriptors(1, 5);
    let entry = |witness: Option<&[u8]>, pending| NewEntry {
        pending,
        witness: witness.map(<[u8]>::to_vec),
        ..NewEntry::added("a", Some(Digest::of_file(b"original")))
    };
    let store = |entry| shop.store(&[entry], tensor(&rows)).expect("stores").remove(0);
    let id = store(entry(Some(b"first"), true)).id();
    let kept = || shop.witnesses(&[id]).expect("reads").remove(0);
    for witness in [Some(&b"second"[..]), None, Some(b"third")] {
        assert_eq!(store(entry(witness, true)), Stored::Completed(id));
        assert_eq!(kept().as_deref(), witness);
    }
    shop.mark_written(&[id]).expect("marks");
    assert!(matches!(store(entry(Some(b"fourth"), false)), Stored::Known(_)));
    assert_eq!(kept().as_deref(), Some(&b"third"[..]));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn a_witness_that_is_too_large_or_of_no_kind_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let (shop, plain) = (folder.path().join("shop"), folder.path().join("plain"));
    let shop = collection(&shop);
    let plain = Collection::create(&plain, &quantiser("IVF16,PQ4x4", Metric::L2)).expect("creates");
    assert_eq!(plain.description().witness_kind, None);
    let rows = descriptors(2, 5);
    for (collection, bytes, named) in [(&shop, WITNESS_BYTES + 1, "65537"), (&plain, 1, "without witnesses")]
    {
        let mut new = entries(0..2);
        new[1].witness = Some(vec![1; bytes]);
        let refused = collection.store(&new, tensor(&rows)).expect_err("refused").to_string();
        assert!(refused.contains(named), "{refused}");
        assert_eq!(collection.info().expect("counts").live, 0, "all or none");
    }
    plain.store(&entries(0..2), tensor(&rows)).expect("stores");
}

/// Undoes the migrations after the third, as a collection of an earlier version is on the disk.
fn set_back(path: &std::path::Path) {
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).expect("opens");
    let steps = "DROP TRIGGER entry_stored; DROP TRIGGER entry_changed; DROP TABLE entry_counts;
                 DROP TABLE review_pictures; DROP TABLE reviews; DROP TABLE review_counts;
                 DROP TABLE witnesses; ALTER TABLE fresh ADD COLUMN witness BLOB;
                 ALTER TABLE segments ADD COLUMN witnesses_bytes INTEGER;
                 ALTER TABLE segments ADD COLUMN witnesses_sha256 BLOB;
                 DELETE FROM settings WHERE key = 'witness_kind'; PRAGMA user_version = 3;";
    connection.execute_batch(steps).expect("sets back");
}

#[test]
fn a_collection_from_before_witnesses_is_opened_and_has_none() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("shop");
    let (shop, rows) = (collection(&path), descriptors(30, 3));
    let first = ids(&shop.store(&entries(0..20), tensor(&rows[..20 * D])).expect("stores"));
    shop.compact().expect("compacts");
    shop.store(&entries(20..30), tensor(&rows[20 * D..])).expect("stores");
    drop(shop);
    set_back(&path);
    let shop = open(&path);
    assert_eq!(shop.description().witness_kind, None);
    let info = shop.info().expect("counts");
    assert_eq!((info.live, info.segments, info.fresh, info.witnesses), (30, 1, 10, 0));
    assert_eq!(shop.witnesses(&first).expect("reads"), vec![None; 20]);
    shop.store(&entries(30..31), tensor(&rows[..D])).expect("stores");
    shop.compact().expect("compacts");
    assert_eq!(findings(&open(&path)), [""; 0]);
}

#[test]
fn a_witness_that_a_dropped_entry_has_left_is_found() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("shop");
    let shop = collection(&path);
    let new: Vec<NewEntry> = entries(0..5).into_iter().map(with_witness).collect();
    let stored = ids(&shop.store(&new, tensor(&descriptors(5, 3))).expect("stores"));
    shop.withdraw(&stored[..1]).expect("withdraws");
    shop.compact().expect("compacts");
    assert_eq!(shop.entry(stored[0]).expect("reads").expect("its row").state, State::Dropped);
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).expect("opens");
    let moves = "UPDATE witnesses SET id = ?1 WHERE id = ?2";
    connection.execute(moves, [stored[0], stored[1]]).expect("moves");
    let found = findings(&shop).join("\n");
    assert!(found.contains(&format!("the witness of entry {} is kept", stored[0])), "{found}");
}

#[test]
fn a_calibration_is_seen_by_others_at_once_and_replaced() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("shop");
    let (shop, other) = (collection(&path), open(&path));
    assert_eq!(other.calibration().expect("reads"), None);
    for text in ["{\"shape\": 0.1}", "another", ""] {
        shop.set_calibration(text).expect("sets");
        assert_eq!(other.calibration().expect("reads").as_deref(), Some(text));
    }
    shop.set_calibration("kept").expect("sets");
    drop((shop, other));
    assert_eq!(open(&path).calibration().expect("reads").as_deref(), Some("kept"));
    assert_eq!(findings(&open(&path)), [""; 0]);
}
