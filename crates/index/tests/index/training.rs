//! Training: determinism, progress and errors.

use active_index_index::{
    CoarseKind, Codes, Error, Factory, Index, Initialisation, Metric, TrainConfig, TrainStage,
};

use crate::data::{D, KINDS, bytes, config, factory, is_inverted, rows, tensor, under_metrics, vectors};

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for (kind, metric) in under_metrics(&KINDS) {
        let train = |seed| {
            let config = TrainConfig { seed, ..config(metric) };
            let mut index = Index::train(&factory(kind), vectors(600, 1), &config).expect("trains");
            index.add(vectors(50, 2)).expect("adds");
            bytes(&index)
        };
        let first = train(1);
        assert!(train(1) == first, "{kind}");
        let without_chance = [
            "Flat",
            "RaBitQ",
            "LSH",
            "LSH6t",
            "PCA4,Flat",
            "Flat,RFlat",
            "PCA4,SQ8",
            "HNSW4,Flat",
            "HNSW4,SQ8",
            "PCA4,HNSW4,SQfp16,RFlat",
        ];
        let inner = kind.replace("IDMap,", "");
        let without_chance = without_chance.contains(&inner.as_str()) || inner.starts_with("SQ");
        assert_eq!(train(2) == first, without_chance, "{kind}");
    }
}

#[test]
fn an_index_reports_its_kind() {
    for (kind, metric) in under_metrics(&KINDS) {
        let index = Index::train(&factory(kind), vectors(600, 1), &config(metric)).expect("trains");
        assert_eq!((index.d(), index.ntotal(), index.metric()), (D, 0, metric));
        assert_eq!(index.factory().to_string(), kind);
        assert_eq!(index.nlist(), is_inverted(kind).then_some(4));
    }
}

#[test]
fn progress_covers_every_iteration_and_stage() {
    let mut seen = Vec::new();
    Index::train_with_progress(&factory("IVF4,PQ2"), vectors(500, 1), &config(Metric::L2), &mut |progress| {
        assert_eq!(progress.iterations, 5);
        assert!(progress.objective.is_finite() && progress.objective >= 0.0);
        seen.push((progress.stage, progress.iteration));
    })
    .expect("trains");
    let subquantiser = |j| TrainStage::Subquantiser { j, m: 2 };
    let stages = [TrainStage::Coarse, subquantiser(0), subquantiser(1)];
    let expected: Vec<_> = stages.into_iter().flat_map(|stage| (0..5).map(move |i| (stage, i))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_training_setting_has_an_effect() {
    let train = |kind: &str, config: &TrainConfig| {
        bytes(&Index::train(&factory(kind), vectors(600, 1), config).expect("trains"))
    };
    for metric in [Metric::L2, Metric::InnerProduct] {
        let config = config(metric);
        let spherical = |spherical| train("IVF4,Flat", &TrainConfig { spherical, ..config.clone() });
        assert_eq!(spherical(None), spherical(Some(metric == Metric::InnerProduct)), "{metric}");
        assert_ne!(spherical(Some(false)), spherical(Some(true)), "{metric}");
        for kind in ["IVF4,Flat", "PQ2x4"] {
            let plus_plus = TrainConfig { initialisation: Initialisation::PlusPlus, ..config.clone() };
            assert_eq!(train(kind, &plus_plus), train(kind, &plus_plus), "{kind}");
            assert_ne!(train(kind, &plus_plus), train(kind, &config), "{kind}");
        }
    }
}

#[test]
fn opq_alternates_as_often_as_configured() {
    let config = TrainConfig { opq_iterations: 3, ..config(Metric::L2) };
    let mut seen = Vec::new();
    Index::train_with_progress(&factory("OPQ2,Flat"), vectors(500, 1), &config, &mut |progress| {
        seen.push((progress.stage, progress.iteration, progress.iterations));
    })
    .expect("trains");
    assert_eq!(seen, [0, 1, 2].map(|iteration| (TrainStage::Transform, iteration, 3)));
}

#[test]
fn too_few_vectors_are_an_error() {
    let train = |kind, n| Index::train(&factory(kind), vectors(n, 1), &config(Metric::L2));
    let message = train("IVF10,Flat", 9).expect_err("nine for ten").to_string();
    let expected = "coarse quantiser: expected at least 10 training vectors, one per centroid, found 9";
    assert_eq!(message, expected);
    assert!(train("IVF10,Flat", 10).is_ok());
    let message = train("IVF2,PQ2", 255).expect_err("a codebook has 256").to_string();
    let expected = "product quantiser: expected at least 256 training vectors, one per centroid, found 255";
    assert_eq!(message, expected);
    assert!(train("IVF2,PQ2", 256).is_ok());
    assert!(train("Flat", 0).is_ok());
}

#[test]
fn vectors_that_are_not_finite_are_an_error() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = rows(600, 1);
        values[17 * D] = bad;
        for kind in KINDS {
            let trained = Index::train(&factory(kind), tensor(&values), &config(Metric::L2));
            assert!(matches!(trained, Err(Error::NotFinite { row: 17, .. })), "{kind}");
            let mut index =
                Index::train(&factory(kind), vectors(600, 1), &config(Metric::L2)).expect("trains");
            assert!(matches!(index.add(tensor(&values)), Err(Error::NotFinite { row: 17, .. })), "{kind}");
            assert_eq!(index.ntotal(), 0);
        }
    }
}

/// Squares of the values overflow float32; nothing may panic.
#[test]
fn huge_vectors_do_not_panic() {
    let huge: Vec<f32> = rows(600, 1).iter().map(|value| value * 3e38).collect();
    for (kind, metric) in under_metrics(&KINDS) {
        let Ok(mut index) = Index::train(&factory(kind), tensor(&huge), &config(metric)) else { continue };
        let _ = index.add(tensor(&huge));
        let _ = index.search(tensor(&huge[..5 * D]), 3, 2);
    }
}

#[test]
fn invalid_settings_are_errors() {
    let fails =
        |factory: Factory, config: TrainConfig| Index::train(&factory, vectors(300, 1), &config).is_err();
    assert!(fails(factory("IVF4,PQ3"), config(Metric::L2)), "3 does not divide 8");
    let ivf =
        |nlist, codes| Factory { coarse: Some(CoarseKind { nlist, hnsw: None }), codes, ..factory("Flat") };
    assert!(fails(ivf(0, Codes::Flat), config(Metric::L2)));
    assert!(fails(ivf(4, Codes::Pq { m: 0, nbits: 8 }), config(Metric::L2)));
    assert!(fails(ivf(4, Codes::Pq { m: 2, nbits: 13 }), config(Metric::L2)));
    assert!(fails(ivf(4, factory("LSH").codes), config(Metric::L2)));
    assert!(fails(factory("LSH"), config(Metric::InnerProduct)));
    assert!(fails(factory("PCA9,Flat"), config(Metric::L2)), "9 components of 8 dimensions");
    let none = TrainConfig { max_points_per_centroid: 0, ..config(Metric::L2) };
    assert!(fails(factory("IVF4,Flat"), none));
}
