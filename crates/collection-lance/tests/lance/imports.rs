//! Imports into a collection whose writers have claimed ids that no entry has.

use std::ops::ControlFlow;

use active_index_collection::{Collection, Imported};
use index::Metric;

use crate::{
    place::{FACTORY, Place},
    promises::fixtures::{D, descriptors, entries, findings, quantiser, tensor},
};

fn import(to: &Collection, from: &Collection) -> Imported {
    to.import(from, &mut |_| ControlFlow::Continue(())).expect("imports")
}

fn counted(shop: &Collection) -> [u64; 2] {
    let info = shop.info().expect("counts");
    [info.live, info.dropped]
}

#[test]
fn an_import_that_is_run_again_takes_over_nothing_twice() {
    let (from, to) = (Place::new(), Place::new());
    let (quantiser, rows) = (quantiser(FACTORY, Metric::L2), descriptors(12, 3));
    let source = from.create(&quantiser, None).expect("creates");
    let stored = source.store(&entries(0..8), tensor(&rows[..8 * D])).expect("stores");
    let ids: Vec<i64> = stored.iter().map(|stored| stored.id()).collect();
    source.withdraw(&ids[6..7]).expect("withdraws");
    source.compact().expect("compacts");
    assert_eq!(counted(&source), [7, 1]);

    // Each claim of a writer is twice as large as the one before: the last leaves ids that no entry has.
    let shop = to.create(&quantiser, None).expect("creates");
    for number in 8..12 {
        let row = tensor(&rows[number * D..(number + 1) * D]);
        shop.store(&entries(number..number + 1), row).expect("stores");
    }
    let has = |id: i64| shop.entry(id).expect("looks").is_some();
    assert_eq!(
        ids.iter().map(|id| has(*id)).collect::<Vec<_>>(),
        [true, true, true, true, false, false, false, false]
    );
    let first = import(&shop, &source);
    assert_eq!((first.added, first.renumbered, first.left, first.already), (7, 6, 1, 0), "{first:?}");
    assert_eq!(counted(&shop), [11, 0]);
    for _ in 0..3 {
        let again = import(&shop, &source);
        assert_eq!((again.added, again.renumbered, again.left, again.already), (0, 0, 1, 7), "{again:?}");
        assert_eq!(counted(&shop), [11, 0]);
    }
    // What is withdrawn there is withdrawn here, whatever its id is.
    source.withdraw(&[ids[0], ids[5]]).expect("withdraws");
    assert_eq!(import(&shop, &source).withdrawn, 2);
    assert_eq!(counted(&shop), [9, 0]);
    assert_eq!(findings(&shop), [""; 0]);
}
