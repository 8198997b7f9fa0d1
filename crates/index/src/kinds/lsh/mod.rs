//! `LSH{nbits}` indexes: signs of projections; a search compares every code by Hamming distance.

mod hamming_scan;
pub(crate) mod sign_codec;

use std::collections::HashSet;

use crate::{
    error::{Error, Result},
    factory::{Codes, Factory},
    kinds::{positional_ids, store::Store},
    metric::Metric,
    quantise::hyperplanes::Sides,
    search::{Candidate, Gather, Neighbours, RangeNeighbours, Within},
    stored_bytes::Bytes,
    vectors::Vectors,
};

use sign_codec::SignCodec;

/// Hyperplanes and codes by position.
#[derive(Clone)]
pub(crate) struct Lsh {
    pub codec: SignCodec,
    /// `[ntotal, code_size]`.
    pub codes: Bytes,
}

impl Store for Lsh {
    fn d(&self) -> usize {
        self.codec.d
    }

    fn ntotal(&self) -> usize {
        self.codes.len() / self.codec.code_size()
    }

    /// L2, as in faiss's file, although `search` reports Hamming distances.
    fn metric(&self) -> Metric {
        Metric::L2
    }

    fn factory(&self) -> Factory {
        let SignCodec { d, nbits, train_thresholds: thresholds, ref rotation, .. } = self.codec;
        let nbits = (nbits != d).then_some(nbits);
        let codes = Codes::Lsh { nbits, rotated: rotation.is_some(), thresholds };
        Factory { transforms: Vec::new(), coarse: None, hnsw: None, codes, refine: None, ids: None }
    }

    fn add(&mut self, vectors: &Vectors, _first: i64) -> Result<()> {
        self.codes.to_mut().extend(self.codec.encode(&vectors.host));
        Ok(())
    }

    fn search(&self, queries: Vectors, k: usize, _nprobe: usize) -> Result<Neighbours> {
        let codes = self.codec.encode(&queries.host);
        drop(queries);
        self.codec.search(&self.codes, &codes, k)
    }

    /// Compares squared L2 distances to the decoded codes, not Hamming distances, as faiss does.
    fn range_search(&self, queries: &Vectors, radius: f32, _nprobe: usize) -> Result<RangeNeighbours> {
        let within = |query: &[f32]| {
            let mut found = Within::new(radius);
            for (position, code) in self.codes.chunks_exact(self.codec.code_size()).enumerate() {
                let distance = Metric::L2.distance(query, &self.codec.decode(code));
                found.push(Candidate { key: distance, id: position as i64 });
            }
            found.into_found()
        };
        Ok(RangeNeighbours::new(Metric::L2, queries.rows().map(within).collect()))
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let position = usize::try_from(id).ok().filter(|&position| position < self.ntotal());
        let size = self.codec.code_size();
        let decoded = |position| self.codec.decode(&self.codes[position * size..(position + 1) * size]);
        position.map(decoded).ok_or(Error::UnknownId(id))
    }

    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        Ok(self.codec.decode(&self.codec.encode(&vectors.host)))
    }

    fn sides(&self, vectors: &Vectors) -> Result<Option<Sides>> {
        let codes = self.codec.encode(&vectors.host);
        Ok(Some(Sides { planes: self.codec.hyperplanes(), wanted: self.codec.sides(&codes) }))
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        Ok(positional_ids::remove(&mut self.codes, self.codec.code_size(), ids))
    }
}
