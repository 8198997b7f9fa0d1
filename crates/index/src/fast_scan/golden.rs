//! Compares with indexes and answers of faiss, see `tests/golden/fast_scan/make_goldens.py`.

use std::collections::BTreeSet;

use super::*;
use crate::Metric;
use crate::faiss_file::Source;
use crate::search::Candidate;

const D: usize = 14;
const QUERIES: usize = 5;

macro_rules! golden {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../tests/golden/fast_scan/", $name, ".index")),
            include_bytes!(concat!("../../tests/golden/fast_scan/", $name, ".results")),
        )
    };
}
/// Name, index and results.
const GOLDENS: [(&str, &[u8], &[u8]); 4] =
    [golden!("l2_fs"), golden!("l2_fsr"), golden!("ip_fs"), golden!("ip_fsr")];

type Stream<'a> = Source<&'a [u8]>;

fn stream(bytes: &[u8]) -> Stream<'_> {
    Source::new(bytes, bytes.len() as u64)
}

/// What this module reads of an index.
struct Golden {
    metric: Metric,
    centroids: Vec<f32>,
    parameters: Parameters,
    m: usize,
    codewords: Vec<f32>,
    lists: Vec<PackedList>,
}

impl Golden {
    fn read(bytes: &[u8]) -> Self {
        let mut source = stream(bytes);
        // fourcc, d, ntotal, two fillers, is_trained
        assert_eq!(source.bytes("header", 33).unwrap()[..4], *b"IwPf");
        let metric = if source.i32("metric").unwrap() == 1 { Metric::L2 } else { Metric::InnerProduct };
        let nlist = source.size("nlist").unwrap();
        // nprobe, header of the coarse quantiser
        source.bytes("coarse quantiser", 8 + 37).unwrap();
        let centroids = counted_floats(&mut source);
        // An empty direct map.
        assert_eq!(source.bytes("direct map", 9).unwrap(), [0; 9]);
        let parameters = Parameters::read(&mut source).unwrap();
        let [d, m, nbits] = [(); 3].map(|()| source.size("product quantiser").unwrap());
        assert_eq!((d, nbits), (D, 4));
        parameters.check(m).unwrap();
        let codewords = counted_floats(&mut source);
        let lists = read_lists(&mut source, nlist, m).unwrap();
        source.end().unwrap();
        Self { metric, centroids, parameters, m, codewords, lists }
    }

    fn scanner(&self) -> Scanner {
        let pq = FastScanPq::new(D, self.m, self.codewords.clone()).unwrap();
        let by_residual = self.parameters.by_residual;
        Scanner::new(pq, ScannerConfig { metric: self.metric, by_residual, centroids: &self.centroids })
    }
}

fn counted_floats(source: &mut Stream<'_>) -> Vec<f32> {
    let count = source.size("count").unwrap();
    source.floats("values", count).unwrap()
}

#[test]
fn the_goldens_hold_an_empty_list_and_full_and_partial_blocks() {
    let lengths: Vec<usize> = Golden::read(GOLDENS[0].1).lists.iter().map(PackedList::len).collect();
    assert!(lengths.contains(&0) && lengths.iter().any(|&len| len > 32));
}

#[test]
fn files_are_written_as_faiss_wrote_them() {
    for (name, bytes, _) in GOLDENS {
        let golden = Golden::read(bytes);
        assert_eq!(golden.parameters, Parameters::new(golden.m, name.ends_with("fsr")), "{name}");
        let mut lists = Vec::new();
        write_lists(&mut lists, &golden.lists, golden.m).unwrap();
        assert!(bytes.ends_with(&lists), "{name}");
        let mut parameters = Vec::new();
        golden.parameters.write(&mut parameters).unwrap();
        // d, m, nbits, count and values of the codewords lie between
        let before = bytes.len() - lists.len() - golden.codewords.len() * 4 - 4 * 8;
        assert!(bytes[..before].ends_with(&parameters), "{name}");
    }
}

#[test]
fn lists_of_wrong_sizes_are_errors() {
    let golden = Golden::read(GOLDENS[0].1);
    let mut bytes = Vec::new();
    write_lists(&mut bytes, &golden.lists, golden.m).unwrap();
    assert!(read_lists(&mut stream(&bytes), 6, golden.m).is_err());
    assert!(read_lists(&mut stream(&bytes), 5, golden.m + 2).is_err());
    for place in 0..4 + 5 * 8 {
        let mut wrong = bytes.clone();
        wrong[place] ^= 0x41;
        assert!(read_lists(&mut stream(&wrong), 5, golden.m).is_err(), "byte {place}");
    }
    (0..bytes.len()).step_by(7).for_each(|end| {
        assert!(read_lists(&mut stream(&bytes[..end]), 5, golden.m).is_err());
    });
}

#[test]
fn answers_are_those_of_faiss() {
    for (name, bytes, results) in GOLDENS {
        let golden = Golden::read(bytes);
        let scanner = golden.scanner();
        let mut results = stream(results);
        let queries = results.floats("queries", QUERIES * D).unwrap();
        for nprobe in [1, 5] {
            let cells = results.i64s("cells", QUERIES * nprobe).unwrap();
            let distances = results.floats("coarse distances", QUERIES * nprobe).unwrap();
            let probes: Vec<Probe> = cells.iter().zip(distances).map(|(&cell, d)| probe(cell, d)).collect();
            for k in [1, 20, 40] {
                let distances = results.floats("distances", QUERIES * k).unwrap();
                let ids = results.i64s("ids", QUERIES * k).unwrap();
                for i in 0..QUERIES {
                    let (query, probes) = (&queries[i * D..][..D], &probes[i * nprobe..][..nprobe]);
                    let mut found = Vec::new();
                    scanner.search(
                        Scan { query, probes, lists: &golden.lists, k },
                        &mut Scratch::default(),
                        &mut found,
                    );
                    let expected = distances[i * k..][..k].iter().zip(&ids[i * k..][..k]);
                    let expected = expected.map(|(&d, &id)| Candidate { key: golden.metric.key(d), id });
                    let expected: Vec<Candidate> = expected.filter(|candidate| candidate.id >= 0).collect();
                    assert_same(&found, &expected, k, &format!("{name}, nprobe {nprobe}, k {k}, query {i}"));
                }
            }
        }
        results.end().unwrap();
    }
}

fn probe(cell: i64, distance: f32) -> Probe {
    Probe { cell: usize::try_from(cell).unwrap(), distance }
}

/// The same distances, and the same ids but for the order of those equally near; where there may be more than
/// `k` of these at the end, they may be others.
fn assert_same(found: &[Candidate], expected: &[Candidate], k: usize, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let magnitude = expected.iter().map(|candidate| candidate.key.abs()).fold(0.0, f32::max);
    for (found, expected) in found.iter().zip(expected) {
        assert!((found.key - expected.key).abs() <= 1e-6 * magnitude, "{what}: {found:?}, not {expected:?}");
    }
    let last = expected[expected.len() - 1].key;
    let complete = |candidates: &[Candidate]| -> BTreeSet<i64> {
        let nearer = |candidate: &&Candidate| expected.len() < k || candidate.key < last - 1e-6 * magnitude;
        candidates.iter().filter(nearer).map(|candidate| candidate.id).collect()
    };
    assert_eq!(complete(found), complete(expected), "{what}");
}
