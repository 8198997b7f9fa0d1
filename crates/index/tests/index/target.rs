//! Targets and cells.

use active_index_index::{Error, Target};
use burn::tensor::Device;

use crate::data::{
    D, KINDS, METRICS, bytes, filled, from_bytes, is_refined, rows, tensor, under_metrics, values, vectors,
};

#[test]
fn the_reconstruction_equals_the_stored_vector() {
    // Behind re-ranking the target is the decoded code of the base, not the finer one.
    for (kind, metric) in under_metrics(&KINDS).filter(|(kind, _)| !is_refined(kind)) {
        let index = filled(kind, metric, 60);
        let targets = values(index.target(vectors(60, 2), Target::Reconstruction).expect("decodes").points);
        for (id, target) in targets.chunks_exact(D).enumerate() {
            let stored = index.reconstruct(id as i64).expect("stored");
            // Products of many rows run on the device, those of one row on the host.
            let near = stored.iter().zip(target).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(near, "{kind}, {metric}: {stored:?} for {target:?}");
        }
    }
}

/// A product-quantised reconstruction is nearer to its vector than the centroid, on average.
#[test]
fn the_residual_code_improves_on_the_centroid() {
    let index = filled("IVF4,PQ2x8", METRICS[0], 60);
    let stored = rows(60, 2);
    let error = |kind| {
        let targets = values(index.target(tensor(&stored), kind).expect("decodes").points);
        targets.iter().zip(&stored).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
    };
    assert!(error(Target::Reconstruction) < 0.5 * error(Target::Centroid));
}

/// The coarse centroids start at byte 98 of the file: after the outer fourcc, header, nlist and nprobe (53
/// bytes), and the quantiser's fourcc, header and count (45 bytes).
#[test]
fn the_centroid_is_that_of_the_cell() {
    for kind in KINDS.into_iter().filter(|kind| kind.starts_with("IVF4,") && !is_refined(kind)) {
        let index = filled(kind, METRICS[0], 1);
        let file = bytes(&index);
        let centroid = |cell: i64| {
            let start = 98 + cell as usize * D * 4;
            file[start..start + D * 4].as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value))
        };
        let cells = index.cells(vectors(40, 5)).expect("assigns").expect("has cells");
        let targets = values(index.target(vectors(40, 5), Target::Centroid).expect("has centroids").points);
        for (cell, target) in cells.iter().zip(targets.chunks_exact(D)) {
            assert!(centroid(*cell).eq(target.iter().copied()));
        }
    }
}

#[test]
fn a_flat_index_has_no_cells() {
    let flat = filled("Flat", METRICS[0], 5);
    assert_eq!(flat.cells(vectors(2, 1)).expect("no failure"), None);
    assert_eq!(flat.nlist(), None);
    let missing = flat.target(vectors(2, 1), Target::Centroid).expect_err("no centroids");
    assert!(matches!(missing, Error::NoCentroids { .. }));
}

/// Targets are constants in an autodiff graph, even if the vectors are tracked.
#[test]
fn targets_leave_autodiff() {
    let index = filled("IVF4,PQ2x8", METRICS[0], 5);
    let tracked = vectors(2, 1).autodiff().require_grad();
    let target = index.target(tracked, Target::Reconstruction).expect("decodes");
    assert!(!target.points.is_autodiff());
    let device = Device::flex().autodiff();
    let index = active_index_index::Index::from_bytes(&bytes(&index), &device).expect("reads");
    assert!(!index.device().is_autodiff());
    assert!(from_bytes(&bytes(&index)).is_ok());
}

#[test]
fn names_round_trip() {
    for kind in [Target::Reconstruction, Target::Centroid] {
        assert_eq!(kind.to_string().parse::<Target>().expect("parses"), kind);
    }
    let message = "middle".parse::<Target>().expect_err("unknown").to_string();
    assert_eq!(message, "target must be `reconstruction` or `centroid`, found \"middle\"");
}
