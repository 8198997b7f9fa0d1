//! The catalogue of a folder: segments, counts, earlier versions, locks, and folders that are none of collections.

use std::time::Duration;

use active_index_collection::{Error, FindSettings, NewEntry, State, Stored};
use index::Metric;

use crate::{
    place::Place,
    promises::fixtures::{D, collection, descriptors, entries, findings, quantiser, tensor, with_witness},
};

fn ids(stored: &[Stored]) -> Vec<i64> {
    stored.iter().map(Stored::id).collect()
}

#[test]
fn a_pending_entry_enters_no_segment() {
    let place = Place::new();
    let shop = collection(&place);
    let mut new = entries(0..5);
    new[2].pending = true;
    shop.store(&new, tensor(&descriptors(5, 6))).expect("stores");
    shop.compact().expect("compacts");
    let info = shop.info().expect("counts");
    assert_eq!((info.segments, info.fresh, info.live), (1, 1, 5));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn a_changed_count_is_found_by_a_check() {
    let place = Place::new();
    collection(&place).store(&entries(0..5), tensor(&descriptors(5, 4))).expect("stores");
    let connection = rusqlite::Connection::open(place.path().join("catalogue.sqlite")).expect("opens");
    connection.execute("UPDATE entry_counts SET entries = 6", []).expect("changes");
    drop(connection);
    let found = findings(&place.open());
    assert!(found.len() == 1 && found[0].contains("the count of entries of day"), "{found:?}");
}

/// Searches go on while another thread of the process waits for the catalogue.
#[test]
fn searches_do_not_wait_for_changes() {
    let place = Place::new();
    let (shop, rows) = (collection(&place), descriptors(1, 500));
    let id = shop.store(&entries(0..1), tensor(&rows)).expect("stores")[0].id();
    let writer = rusqlite::Connection::open(place.path().join("catalogue.sqlite")).expect("opens");
    writer.execute_batch("BEGIN IMMEDIATE").expect("keeps others from writing");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| shop.withdraw(&[id]));
        for _ in 0..20 {
            let found = shop.find(tensor(&rows), &FindSettings::default()).expect("finds");
            assert_eq!(found[0][0].id, id, "not withdrawn yet");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!waiting.is_finished(), "it waits for the other writer");
        writer.execute_batch("COMMIT").expect("lets others write");
        waiting.join().expect("ends").expect("withdraws");
    });
    assert!(shop.find(tensor(&rows), &FindSettings::default()).expect("finds")[0].is_empty());
}

/// Undoes the migrations after the third, as a collection of an earlier version is on the disk.
fn set_back(place: &Place) {
    let connection = rusqlite::Connection::open(place.path().join("catalogue.sqlite")).expect("opens");
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
    let place = Place::new();
    let (shop, rows) = (collection(&place), descriptors(30, 3));
    let first = ids(&shop.store(&entries(0..20), tensor(&rows[..20 * D])).expect("stores"));
    shop.compact().expect("compacts");
    shop.store(&entries(20..30), tensor(&rows[20 * D..])).expect("stores");
    drop(shop);
    set_back(&place);
    let shop = place.open();
    assert_eq!(shop.description().witness_kind, None);
    let info = shop.info().expect("counts");
    assert_eq!((info.live, info.segments, info.fresh, info.witnesses), (30, 1, 10, 0));
    assert_eq!(shop.witnesses(&first).expect("reads"), vec![None; 20]);
    shop.store(&entries(30..31), tensor(&rows[..D])).expect("stores");
    shop.compact().expect("compacts");
    assert_eq!(findings(&place.open()), [""; 0]);
}

#[test]
fn a_witness_that_a_dropped_entry_has_left_is_found() {
    let place = Place::new();
    let shop = collection(&place);
    let new: Vec<NewEntry> = entries(0..5).into_iter().map(with_witness).collect();
    let stored = ids(&shop.store(&new, tensor(&descriptors(5, 3))).expect("stores"));
    shop.withdraw(&stored[..1]).expect("withdraws");
    shop.compact().expect("compacts");
    assert_eq!(shop.entry(stored[0]).expect("reads").expect("its row").state, State::Dropped);
    let connection = rusqlite::Connection::open(place.path().join("catalogue.sqlite")).expect("opens");
    let moves = "UPDATE witnesses SET id = ?1 WHERE id = ?2";
    connection.execute(moves, [stored[0], stored[1]]).expect("moves");
    let found = findings(&shop).join("\n");
    assert!(found.contains(&format!("the witness of entry {} is kept", stored[0])), "{found}");
}

#[test]
fn the_bytes_of_dropped_witnesses_go_back_to_the_file_system() {
    let place = Place::new();
    let shop = collection(&place);
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
fn a_folder_with_content_is_refused_and_a_killed_creation_is_none() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |path: &std::path::Path| Place::at(path.to_str().expect("a path of text").to_owned());
    // What a creation leaves that is killed before the catalogue is there.
    let killed = at(&folder.path().join("killed"));
    drop(collection(&killed));
    let renamed = killed.path().join(".catalogue.sqlite.1");
    std::fs::rename(killed.path().join("catalogue.sqlite"), renamed).expect("renames");
    collection(&killed);
    std::fs::write(folder.path().join("a file"), b"").expect("writes");
    assert!(matches!(at(folder.path()).try_open(), Err(Error::NotACollection(_))));
    let refused = at(folder.path()).create(&quantiser("IVF16,PQ4x4", Metric::L2), None).err();
    assert!(matches!(refused, Some(Error::Exists(_))), "{refused:?}");
}
