//! Training, encoding and searching on every device, against the CPU.

use burn::tensor::{Device, Tensor, TensorData};
use index::{Index, Metric, Neighbours, Target, TrainConfig};

use super::devices;

pub const D: usize = 12;

/// Kinds searched on a device, and two kinds always searched on the host.
const KINDS: [&str; 10] = [
    "Flat",
    "SQ8",
    "PQ3",
    "IVF7,Flat",
    "IVF7,SQ8",
    "IVF7,PQ3",
    "IVF7,PQ4x6",
    "OPQ3,L2norm,IVF7,PQ3",
    "IVF7,PQ4x4fs",
    "PQ3,RFlat",
];

/// Hashed numbers in [-1, 1], the same on every device and without ties.
pub fn hashed(n: usize, seed: u32) -> Vec<f32> {
    let value = |i: usize| {
        let hashed = (i as u32).wrapping_add(seed << 16).wrapping_mul(0x9E37_79B1);
        let hashed = (hashed ^ hashed >> 15).wrapping_mul(0x85EB_CA77);
        (hashed ^ hashed >> 13) as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..n).map(value).collect()
}

/// Hashed numbers, `[n, D]`.
pub fn vectors(n: usize, seed: u32, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(hashed(n * D, seed), [n, D]), device)
}

pub fn trained(factory: &str, metric: Metric, device: &Device) -> Index {
    let config = TrainConfig { metric, ..TrainConfig::default() };
    Index::train(&factory.parse().unwrap(), vectors(500, 1, device), &config).unwrap()
}

pub fn bytes(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).unwrap();
    bytes
}

/// Asserts the same distances within 1e-4, which covers float32 sums over norms below `D` on any device, and
/// the same ids wherever neighbouring distances differ by more than that.
fn assert_same(name: &str, found: &Neighbours, expected: &Neighbours) {
    const TOLERANCE: f32 = 1e-4;
    assert_eq!((found.k, found.ids.len()), (expected.k, expected.ids.len()), "{name}");
    for (query, ids) in found.ids.chunks_exact(found.k).enumerate() {
        let (near, wanted) = (found.distances_of(query), expected.distances_of(query));
        let apart = |a: usize, b: usize| b >= wanted.len() || (wanted[a] - wanted[b]).abs() > 2.0 * TOLERANCE;
        for rank in 0..found.k {
            assert!((near[rank] - wanted[rank]).abs() <= TOLERANCE, "{name}: {near:?}, {wanted:?}");
            let alone = (rank == 0 || apart(rank, rank - 1)) && rank + 1 < found.k && apart(rank, rank + 1);
            if alone || wanted[rank].abs() == f32::MAX {
                assert_eq!(ids[rank], expected.ids_of(query)[rank], "{name}, query {query}, rank {rank}");
            }
        }
    }
}

#[test]
fn every_device_finds_what_the_cpu_finds() {
    for (device_name, device) in devices() {
        for factory in KINDS {
            for metric in [Metric::L2, Metric::InnerProduct] {
                let mut host = trained(factory, metric, &Device::flex());
                let empty = Index::from_bytes(&bytes(&host), &device).unwrap();
                let nothing = empty.search(vectors(2, 3, &device), 3, 2).unwrap();
                assert!(nothing.ids.iter().all(|&id| id == -1), "{device_name}, {factory}, {metric}");
                host.add(vectors(300, 2, &Device::flex())).unwrap();
                let there = Index::from_bytes(&bytes(&host), &device).unwrap();
                for (k, nprobe) in [(1, 1), (10, 3), (128, 7)] {
                    let name = format!("{device_name}, {factory}, {metric}, k {k}, nprobe {nprobe}");
                    let expected = host.search(vectors(37, 3, &Device::flex()), k, nprobe).unwrap();
                    let found = there.search(vectors(37, 3, &device), k, nprobe).unwrap();
                    assert_same(&name, &found, &expected);
                    if let Ok(found) = there.search_on_device(vectors(37, 3, &device), k, nprobe) {
                        assert_same(&name, &there.read_neighbours(found).unwrap(), &expected);
                    }
                }
            }
        }
    }
}

#[test]
fn every_device_names_queries_that_are_not_finite() {
    for (name, device) in devices() {
        let mut index = trained("IVF7,PQ3", Metric::L2, &device);
        index.add(vectors(50, 2, &device)).unwrap();
        for wrong in [f32::NAN, f32::INFINITY] {
            let row = Tensor::<2>::full([1, D], wrong, &device);
            let queries = Tensor::cat(vec![vectors(2, 3, &device), row], 0);
            let error = index.search(queries, 2, 2).unwrap_err().to_string();
            assert!(error.contains("row 2"), "{name}: {error}");
        }
    }
}

/// Devices only assign, and the host sums. Without ties the quantisers and the codes are the same.
#[test]
fn every_device_trains_and_encodes_as_the_cpu() {
    let flex = Device::flex();
    for (name, device) in devices() {
        for factory in ["IVF7,Flat", "IVF7,PQ3", "IVF7,SQ8", "PQ4x6"] {
            let mut host = trained(factory, Metric::L2, &flex);
            let mut there = trained(factory, Metric::L2, &device);
            assert!(bytes(&host) == bytes(&there), "{name}, {factory}: trained");
            let [expected, found] = [(&host, &flex), (&there, &device)]
                .map(|(index, at)| index.cells(vectors(300, 2, at)).unwrap());
            assert_eq!(expected, found, "{name}, {factory}: cells");
            host.add(vectors(300, 2, &flex)).unwrap();
            there.add(vectors(300, 2, &device)).unwrap();
            assert!(bytes(&host) == bytes(&there), "{name}, {factory}: encoded");
            let target = there.target(vectors(5, 4, &device), Target::Reconstruction).unwrap();
            let expected = host.target(vectors(5, 4, &flex), Target::Reconstruction).unwrap();
            target.points.into_data().assert_eq(&expected.points.into_data(), true);
        }
    }
}
