//! Witnesses that are kept with entries, and calibrations.

use active_index_collection::{Digest, NewEntry, Stored, WITNESS_BYTES};
use index::Metric;

use super::fixtures::{
    KIND, collection, descriptors, entries, findings, quantiser, tensor, wait_for_others, with_witness,
};
use crate::place::{FACTORY, Place};

fn ids(stored: &[Stored]) -> Vec<i64> {
    stored.iter().map(Stored::id).collect()
}

#[test]
fn a_witness_stays_with_its_entry_until_the_entry_is_dropped() {
    let place = Place::new();
    let (shop, other) = (collection(&place), place.open());
    assert_eq!(other.description().witness_kind.as_deref(), Some(KIND));
    let mut new: Vec<NewEntry> = entries(0..40).into_iter().map(with_witness).collect();
    new[3].witness = None;
    new[4].witness = Some(Vec::new());
    new[5].witness = Some(vec![7; WITNESS_BYTES]);
    let stored = ids(&shop.store(&new, tensor(&descriptors(40, 3))).expect("stores"));
    wait_for_others();
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
    wait_for_others();
    assert_eq!(other.witnesses(&stored).expect("reads"), expected);
    let info = other.info().expect("counts");
    let kept: Vec<&Vec<u8>> = expected.iter().flatten().collect();
    let bytes: usize = kept.iter().map(|witness| witness.len()).sum();
    assert_eq!((info.witnesses, info.witness_bytes), (kept.len() as u64, bytes as u64));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn a_completed_entry_has_the_witness_it_was_completed_with() {
    let place = Place::new();
    let shop = collection(&place);
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
    let place = Place::new();
    let (shop, elsewhere) = (collection(&place), Place::new());
    let plain = elsewhere.create(&quantiser(FACTORY, Metric::L2), None).expect("creates");
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

#[test]
fn a_calibration_is_seen_by_others_at_once_and_replaced() {
    let place = Place::new();
    let (shop, other) = (collection(&place), place.open());
    assert_eq!(other.calibration().expect("reads"), None);
    for text in ["{\"shape\": 0.1}", "another", ""] {
        shop.set_calibration(text).expect("sets");
        assert_eq!(other.calibration().expect("reads").as_deref(), Some(text));
    }
    shop.set_calibration("kept").expect("sets");
    drop((shop, other));
    assert_eq!(place.open().calibration().expect("reads").as_deref(), Some("kept"));
    assert_eq!(findings(&place.open()), [""; 0]);
}
