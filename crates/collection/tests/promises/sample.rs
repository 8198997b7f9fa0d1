//! Samples: uniform, the same whatever the segments, of live entries alone.

use std::collections::HashMap;

use half::f16;

use super::fixtures::{D, collection, descriptors, entries, findings, tensor};
use crate::place::Place;

#[test]
fn a_sample_is_drawn_by_its_seed_whatever_the_segments() {
    let place = Place::new();
    let (shop, rows) = (collection(&place), descriptors(150, 3));
    assert!(shop.sample(10, 1).expect("draws").is_empty());
    let stored = shop.store(&entries(0..150), tensor(&rows)).expect("stores");
    let before = shop.sample(40, 1).expect("draws");
    assert_eq!(before.len(), 40);
    for (id, descriptor) in &before {
        let place = stored.iter().position(|stored| stored.id() == *id).expect("an entry");
        let kept = rows[place * D..][..D].iter().map(|value| f16::from_f32(*value).to_f32());
        assert!(kept.eq(descriptor.iter().copied()), "entry {id}");
    }
    assert_eq!(shop.sample(25, 1).expect("draws"), before[..25]);
    assert_ne!(shop.sample(40, 2).expect("draws"), before);
    shop.compact().expect("compacts");
    assert_eq!(place.open().sample(40, 1).expect("draws"), before);

    let gone: Vec<i64> = before[..20].iter().map(|(id, _)| *id).collect();
    shop.withdraw(&gone).expect("withdraws");
    let after = shop.sample(40, 1).expect("draws");
    assert_eq!(after[..20], before[20..], "the others of the first draw come first");
    assert!(after.iter().all(|(id, _)| !gone.contains(id)));
    let all = shop.sample(usize::MAX, 1).expect("draws");
    assert_eq!(all.len(), 130);
    assert!(shop.sample(0, 1).expect("draws").is_empty());
    assert_eq!(findings(&shop), [""; 0]);
}

/// Each of 50 entries is expected 400 times among samples of 10 by 2,000 seeds, with a deviation of 18.
#[test]
fn every_entry_is_drawn_equally_often() {
    let place = Place::new();
    let shop = collection(&place);
    shop.store(&entries(0..50), tensor(&descriptors(50, 3))).expect("stores");
    let mut drawn: HashMap<i64, u32> = HashMap::new();
    for seed in 0..2000 {
        let sample = shop.sample(10, seed).expect("draws");
        sample.into_iter().for_each(|(id, _)| *drawn.entry(id).or_default() += 1);
    }
    let counts: Vec<u32> = drawn.values().copied().collect();
    assert_eq!((counts.len(), counts.iter().sum::<u32>()), (50, 20_000));
    assert!(counts.iter().all(|count| (310..490).contains(count)), "{counts:?}");
}
