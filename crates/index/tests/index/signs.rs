//! Targets of every kind of index, and the sides of hyperplanes.

use active_index_index::{Index, Metric, Signs, Target};
use burn::tensor::Tensor;

use crate::data::{D, bytes, filled, rows, tensor, values, vectors};

/// All kinds of codes, alone and behind coarse quantisers and transforms.
const KINDS: [&str; 22] = [
    "Flat",
    "SQ8",
    "PQ2x8",
    "LSH",
    "LSH5t",
    "LSH24rt",
    "IVF4,Flat",
    "IVF4,SQ8",
    "IVF4_HNSW4,PQ2x4",
    "IVF4,PQ2x8",
    "IVF4,PQ4x4fs",
    "IVF4,PQ2x4,RFlat",
    "PCA5,IVF4,Flat",
    "PCAR5,PQ1x8",
    "OPQ2,IVF4,PQ2x8",
    "OPQ2_6,IVF4,PQ2x4",
    "RR12,SQ8",
    "L2norm,IVF4,PQ2x4",
    "PCA5,LSH",
    "PCAR5,LSH7rt",
    "L2norm,RR6,LSH9r",
    "PCA5,L2norm,LSH9r",
];

fn lsh_kinds() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().filter(|kind| kind.contains("LSH"))
}

fn target_signs(index: &Index, vectors: Tensor<2>) -> Option<Signs> {
    index.target(vectors, Target::Reconstruction).expect("decodes").signs
}

/// Returns true if two sums of about `D` products below 4 differ only by rounding.
fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-5
}

#[test]
fn targets_are_stored_vectors_or_centroids_of_cells() {
    for kind in KINDS {
        let index = filled(kind, Metric::L2, 60);
        let points = |target| index.target(vectors(60, 2), target).map(|targets| values(targets.points));
        let stored = points(Target::Reconstruction).expect("decodes");
        if !kind.ends_with("RFlat") {
            for (id, target) in stored.chunks_exact(D).enumerate() {
                let found = index.reconstruct(id as i64).expect("stored");
                assert!(found.iter().zip(target).all(|(&a, &b)| near(a, b)), "{kind}, {id}");
            }
        }
        let Some(cells) = index.cells(vectors(60, 2)).expect("assigns") else { continue };
        let centroids = points(Target::Centroid).expect("has centroids");
        let of_cell = |cell| {
            let same = cells.iter().zip(centroids.chunks_exact(D)).filter(move |(other, _)| **other == cell);
            same.map(|(_, centroid)| centroid)
        };
        for cell in 0..4 {
            let first = of_cell(cell).next();
            assert!(of_cell(cell).all(|centroid| Some(centroid) == first), "{kind}: one point a cell");
        }
        // Mapped back and transformed again, a centroid is in its own cell.
        if !kind.starts_with("L2norm") {
            assert_eq!(index.cells(tensor(&centroids)).expect("assigns"), Some(cells), "{kind}");
        }
    }
}

/// The codes are at the end of the file.
#[test]
fn margins_have_the_signs_of_the_stored_bits() {
    for kind in lsh_kinds() {
        let index = filled(kind, Metric::L2, 60);
        let signs = target_signs(&index, vectors(60, 2)).expect(kind);
        let nbits = signs.wanted.dims()[1];
        assert_eq!((signs.normals.dims(), signs.offsets.dims()), ([nbits, D], [1, nbits]), "{kind}");
        let size = nbits.div_ceil(8);
        let file = bytes(&index);
        let codes = file[file.len() - 60 * size..].chunks_exact(size);
        let margins = values(signs.margins(vectors(60, 2)));
        let wanted = values(signs.wanted);
        for ((code, wanted), margins) in codes.zip(wanted.chunks(nbits)).zip(margins.chunks(nbits)) {
            for j in 0..nbits {
                let set = code[j / 8] >> (j % 8) & 1 == 1;
                assert_eq!(wanted[j], if set { 1.0 } else { -1.0 }, "{kind}, bit {j}");
                assert!(margins[j] > -1e-6, "{kind}, bit {j}: {}", margins[j]);
            }
        }
    }
}

/// A vector moved along a normal by its margin is on the hyperplane; moved slightly further, it has the other
/// bit.
#[test]
fn a_margin_is_the_distance_to_the_hyperplane() {
    for kind in lsh_kinds() {
        let index = filled(kind, Metric::L2, 1);
        let vector = rows(1, 9);
        let signs = target_signs(&index, tensor(&vector)).expect(kind);
        let (normals, margins) = (values(signs.normals.clone()), values(signs.margins(tensor(&vector))));
        let wanted = values(signs.wanted);
        for (j, normal) in normals.chunks_exact(D).enumerate() {
            let length = normal.iter().map(|a| a * a).sum::<f32>().sqrt();
            let moved = |way: f32| -> Vec<f32> {
                let step = way * wanted[j] / length;
                vector.iter().zip(normal).map(|(x, a)| x - step * a).collect()
            };
            let side = |way| values(target_signs(&index, tensor(&moved(way))).expect(kind).wanted)[j];
            assert_eq!(side(margins[j] - 1e-3), wanted[j], "{kind}, bit {j}");
            assert_eq!(side(margins[j] + 1e-3), -wanted[j], "{kind}, bit {j}");
        }
    }
}

#[test]
fn the_gradient_of_margins_is_the_finite_difference() {
    let index = filled("PCA5,LSH7rt", Metric::L2, 1);
    let signs = target_signs(&index, vectors(3, 4)).expect("LSH");
    // Different vectors, so that margins of both signs occur.
    let at = rows(3, 5);
    let weights = |like: &Tensor<2>| {
        let [n, nbits] = like.dims();
        let values: Vec<f32> = (0..n * nbits).map(|i| ((i * 5 % 7) as f32) - 3.0).collect();
        Tensor::<1>::from_floats(values.as_slice(), &like.device().inner()).reshape([n, nbits])
    };
    let tracked = tensor(&at).autodiff().require_grad();
    let margins = signs.margins(tracked.clone());
    let total = (margins.clone() * weights(&margins).autodiff()).sum();
    let gradient = values(tracked.grad(&total.backward()).expect("tracked"));

    let total = |rows: &[f32]| {
        let margins = signs.margins(tensor(rows));
        let weights = weights(&margins);
        values(margins * weights).iter().map(|&value| f64::from(value)).sum::<f64>()
    };
    for (i, gradient) in gradient.iter().enumerate() {
        let moved = |step: f32| {
            let mut rows = at.clone();
            rows[i] += step;
            total(&rows)
        };
        // The function is linear, so the size of the step affects only rounding.
        let numeric = moved(0.5) - moved(-0.5);
        assert!((f64::from(*gradient) - numeric).abs() < 1e-4, "{i}: {gradient} for {numeric}");
    }
}

#[test]
fn signs_are_returned_only_for_hyperplanes() {
    for kind in KINDS.into_iter().filter(|kind| !kind.contains("LSH")) {
        assert!(target_signs(&filled(kind, Metric::L2, 1), vectors(2, 1)).is_none(), "{kind}");
    }
    for (kind, has_signs) in [
        ("L2norm,LSH5", true),
        ("L2norm,LSH5t", false),
        // Subtracting the mean in PCA moves the hyperplanes off the origin.
        ("L2norm,PCA5,LSH5", false),
        ("PCA5,L2norm,LSH5", true),
        ("LSH5,RFlat", true),
    ] {
        assert_eq!(target_signs(&filled(kind, Metric::L2, 1), vectors(2, 1)).is_some(), has_signs, "{kind}");
    }
}

#[test]
fn rows_of_targets_are_those_of_the_vectors() {
    let index = filled("LSH12r", Metric::L2, 1);
    let targets = index.target(vectors(4, 2), Target::Reconstruction).expect("decodes");
    let row = targets.rows(2..3);
    let alone = tensor(&rows(4, 2)[2 * D..3 * D]);
    let alone = index.target(alone, Target::Reconstruction).expect("decodes");
    assert_eq!(values(row.points), values(alone.points));
    let [row, alone] = [row.signs, alone.signs].map(|signs| values(signs.expect("LSH").wanted));
    assert_eq!(row, alone);
}
