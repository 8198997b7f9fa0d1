//! Files damaged at random, and indexes with hostile entries: those that still open must be safe to use.

use active_index_index::{Error, MergedIds};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    allocation::largest_allocation,
    corruption::{files, open_in_bounds},
    data::{KINDS, METRICS, bytes, empty, filled, from_bytes, takes_ids, vectors},
    exercise::exercise,
    layout::{fields, named},
};

/// Damaged files of each kind.
const ROUNDS: usize = 300;

/// Largest `d` that is exercised; damage may raise `d`, and wider queries only cost time.
const MAX_D: usize = 4096;

#[test]
fn random_damage_never_panics() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for (kind, file) in files() {
        let starts: Vec<usize> = fields(&file).iter().map(|field| field.at).collect();
        for _ in 0..ROUNDS {
            let mut changed = file.clone();
            for _ in 0..rng.random_range(1..6) {
                // Prefers the first bytes of fields, because most bytes are codewords.
                let near = starts[rng.random_range(0..starts.len())] + rng.random_range(0..8);
                let any = rng.random_range(0..changed.len());
                changed[if rng.random() { near.min(file.len() - 1) } else { any }] = rng.random();
            }
            if let Ok(index) = open_in_bounds(&changed, &kind)
                && index.d() <= MAX_D
            {
                exercise(&index);
            }
        }
    }
}

/// Copy of the file with all ids set to `id`.
fn with_ids(file: &[u8], id: i64) -> Vec<u8> {
    let mut changed = file.to_vec();
    let all = fields(file);
    for field in named(&all, "ids") {
        changed[field.at..field.at + 8].copy_from_slice(&id.to_le_bytes());
    }
    changed
}

#[test]
fn ids_at_the_end_of_their_range_leave_no_room() {
    for kind in KINDS.into_iter().filter(|kind| takes_ids(kind)) {
        let mut index = from_bytes(&with_ids(&bytes(&filled(kind, METRICS[0], 30)), i64::MAX)).expect(kind);
        let refused = index.add(vectors(1, 5)).expect_err("no id is left");
        assert!(matches!(refused, Error::Argument { name: "next id", .. }), "{kind}: {refused}");
        assert_eq!(index.ntotal(), 30, "{kind}");
        index.add_with_ids(vectors(1, 5), &[3]).expect(kind);
        let one = filled(kind, METRICS[0], 1);
        let refused = index.merge(one.clone(), MergedIds::Behind).expect_err("no id is left");
        assert!(matches!(refused, Error::Argument { name: "next id", .. }), "{kind}: {refused}");
        index.merge(one, MergedIds::Kept).expect(kind);
        assert_eq!(index.ntotal(), 32, "{kind}");
        assert_eq!(empty(kind, METRICS[0]).add(vectors(0, 5)).expect(kind), 0..0);
    }
}

#[test]
fn the_last_ids_can_be_given() {
    let mut index =
        from_bytes(&with_ids(&bytes(&filled("IVF4,Flat", METRICS[0], 30)), i64::MAX - 3)).expect("reads");
    assert!(index.add(vectors(3, 5)).is_err());
    assert_eq!(index.add(vectors(2, 5)).expect("two are left"), i64::MAX - 2..i64::MAX);
}

/// The base of `RFlat` returns positions of the exact vectors.
#[test]
fn refined_ids_that_are_not_positions_are_missing() {
    for id in [i64::MIN, -7, 30, i64::MAX] {
        let file = with_ids(&bytes(&filled("IVF4,PQ2x8,RFlat", METRICS[0], 30)), id);
        let index = from_bytes(&file).expect("reads");
        let found = index.search(vectors(5, 3), 30, 4).expect("searches");
        assert!(found.ids.iter().all(|id| (-1..30).contains(id)));
        let ranges = index.range_search(vectors(5, 3), 1e9, 4).expect("searches");
        assert!(ranges.ids.iter().all(|id| (0..30).contains(id)));
        exercise(&index);
    }
}

/// A graph with all links removed, or leading to one vertex, leaves cells that no search reaches.
#[test]
fn disconnected_graphs_can_be_searched() {
    let kinds = ["IVF4_HNSW4,Flat", "HNSW4,Flat", "HNSW4,PQ2x8"].into_iter();
    for (kind, link) in kinds.flat_map(|kind| [-1, 0, 3].map(|link| (kind, link))) {
        let file = bytes(&filled(kind, METRICS[0], 30));
        let all = fields(&file);
        let mut changed = file.clone();
        let links = named(&all, "neighbors").filter(|field| field.size == 4);
        let (first, last) = links.fold((usize::MAX, 0), |(a, b), field| (a.min(field.at), b.max(field.at)));
        for at in (first..=last).step_by(4) {
            changed[at..at + 4].copy_from_slice(&i32::to_le_bytes(link));
        }
        let Ok(index) = from_bytes(&changed) else { continue };
        let found = index.search(vectors(5, 3), 30, 4).expect("searches");
        assert!(found.ids.iter().all(|id| (-1..30).contains(id)));
        exercise(&index);
    }
}

/// Header of an index under L2.
fn header(fourcc: &[u8; 4], d: i32, ntotal: i64) -> Vec<u8> {
    let mut bytes = fourcc.to_vec();
    bytes.extend(d.to_le_bytes());
    [ntotal, 1 << 20, 1 << 20].iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    bytes.push(1);
    bytes.extend(1i32.to_le_bytes());
    bytes
}

/// Inverted file over `nlist` cells of dimension 1 without entries; its lists take no bytes.
fn cells_without_entries(nlist: usize) -> Vec<u8> {
    let sizes = |values: &[usize]| values.iter().flat_map(|&value| (value as u64).to_le_bytes()).collect();
    let centroids: Vec<u8> = (0..nlist).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let ivf = [header(b"IwFl", 1, 0), sizes(&[nlist, 1]), header(b"IxF2", 1, nlist as i64), sizes(&[nlist])];
    let map = [vec![0], sizes(&[0])].concat();
    let lists = [b"ilar".to_vec(), sizes(&[nlist, 4]), b"sprs".to_vec(), sizes(&[0])].concat();
    [ivf.concat(), centroids, map, lists].concat()
}

/// The number of lists is bounded by the centroids in the file. A list takes 16 times as much memory as a
/// centroid of dimension 1, and the vector of lists grows by doubling.
#[test]
fn memory_of_lists_is_bounded_by_the_centroids() {
    let file = cells_without_entries(100_000);
    let (largest, index) = largest_allocation(|| from_bytes(&file).expect("sound"));
    assert!(largest <= 24 * file.len(), "{largest} bytes for {}", file.len());
    exercise(&index);
}

/// A code of one bit may decode to a vector of any dimension.
#[test]
fn dimensions_are_bounded() {
    let sizes = |values: &[u64]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let file = |d: i32| {
        let dimensions = [d.to_le_bytes(), 1i32.to_le_bytes()].concat();
        let hashes = [header(b"IxHe", d, 1), 1i32.to_le_bytes().to_vec(), vec![0, 0], sizes(&[0])].concat();
        let rotation = [&1i32.to_le_bytes()[..], b"rrot", &[0], &sizes(&[0, 0]), &dimensions, &[0]].concat();
        [hashes, rotation, sizes(&[1]), vec![1]].concat()
    };
    let index = from_bytes(&file(1 << 20)).expect("sound");
    assert_eq!(index.reconstruct(0).expect("stored").len(), 1 << 20);
    for d in [(1 << 20) + 1, i32::MAX] {
        let message = from_bytes(&file(d)).expect_err("too large").to_string();
        assert_eq!(message, format!("d: expected at most 1048576, found {d}"));
    }
}
