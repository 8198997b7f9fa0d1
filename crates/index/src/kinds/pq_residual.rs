//! `IVF{nlist},PQ{m}+{r}`, faiss's IndexIVFPQR: candidates of an inverted file, ranked again by a second product
//! quantiser of what the first leaves of a vector.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use rayon::prelude::*;

use super::{
    ivf::{
        Ivf,
        inverted_lists::{InvertedLists, Position},
    },
    positional_ids,
    store::Store,
};
use crate::{
    error::Result,
    factory::{Codes, Factory},
    lazy::get_or_make,
    metric::Metric,
    quantise::{coarse::Coarse, codec::Codec, pq::ProductQuantiser},
    search::{Candidate, Neighbours, RangeNeighbours, write_row},
    stored_bytes::Bytes,
    vectors::Vectors,
};

/// An inverted file of product-quantised residuals, and a finer code of each entry by position.
#[derive(Clone)]
pub(crate) struct PqResidual {
    /// Its ids are the positions of the finer codes.
    ivf: Ivf,
    /// Quantiser of the residual that the codes of `ivf` leave.
    pub finer: ProductQuantiser,
    /// `[ntotal, finer.code_size()]`.
    pub codes: Bytes,
    /// The inverted file is searched for `k * k_factor` neighbours.
    pub k_factor: f32,
    /// Packed place in the lists of each position, made by the first search.
    places: OnceLock<Arc<Vec<i64>>>,
}

impl PqResidual {
    /// Takes an inverted file whose ids are positions, and the finer code of each.
    pub fn new(ivf: Ivf, finer: ProductQuantiser, codes: Bytes, k_factor: f32) -> Self {
        Self { ivf, finer, codes, k_factor, places: OnceLock::new() }
    }

    pub fn ivf(&self) -> &Ivf {
        &self.ivf
    }

    /// Copy without the entries.
    pub fn emptied(&self) -> Self {
        Self::new(self.ivf.emptied(), self.finer.clone(), Bytes::default(), self.k_factor)
    }

    /// Appends the entries of an index with the same quantisers.
    pub fn append(&mut self, other: &Self) {
        let ntotal = self.ivf.ntotal() as i64;
        self.places = OnceLock::new();
        self.ivf.append(&other.ivf, ntotal);
        self.codes.to_mut().extend_from_slice(&other.codes);
    }

    fn places(&self) -> &[i64] {
        let places: &Arc<Vec<i64>> = get_or_make(&self.places, || {
            let mut places = vec![0; self.ivf.ntotal()];
            for (id, position) in self.ivf.lists.entries() {
                places[id as usize] = position.packed();
            }
            Arc::new(places)
        });
        places
    }

    /// Adds what the finer code at a position encodes to `row`, `d` floats.
    fn refine(&self, position: usize, row: &mut [f32]) {
        let size = self.finer.code_size();
        self.finer.add_decoded(&self.codes[position * size..(position + 1) * size], row);
    }

    /// Ranks the neighbours of one query, `d` floats, by both codes, nearest first.
    fn rank(&self, query: &[f32], positions: &[i64]) -> Vec<Candidate> {
        let (coarse, places) = (&self.ivf.coarse, self.places());
        let mut row = vec![0.0; coarse.d];
        let candidate = |&position: &i64| {
            let place = Position::unpacked(places[position as usize]);
            row.copy_from_slice(coarse.centroid(place.cell));
            self.ivf.lists.add_decoded(&self.ivf.lists.code(place), &mut row);
            self.refine(position as usize, &mut row);
            Candidate { key: Metric::L2.distance(query, &row), id: position }
        };
        let known = positions.iter().filter(|&&position| position >= 0);
        let mut candidates: Vec<Candidate> = known.map(candidate).collect();
        candidates.sort_unstable();
        candidates
    }
}

/// Residuals that a codec leaves of `residuals` `[n, d]` of the cells.
pub(crate) fn second_residuals(codec: &Codec, residuals: &Vectors) -> Result<Vectors<'static>> {
    let decoded = codec.decode(&codec.encode(residuals)?);
    let rows: Vec<f32> = residuals.host.iter().zip(decoded).map(|(x, y)| x - y).collect();
    Vectors::from_host("residuals of the first quantiser", rows, residuals.d)
}

impl Store for PqResidual {
    fn d(&self) -> usize {
        self.ivf.d()
    }

    fn ntotal(&self) -> usize {
        self.ivf.ntotal()
    }

    fn metric(&self) -> Metric {
        Metric::L2
    }

    fn factory(&self) -> Factory {
        let factory = self.ivf.factory();
        let codes = match factory.codes {
            Codes::Pq { m, nbits } => {
                Codes::PqResidual { m, nbits, finer_m: self.finer.m, finer_nbits: self.finer.nbits }
            }
            codes => codes,
        };
        Factory { codes, ..factory }
    }

    fn coarse(&self) -> Option<&Coarse> {
        self.ivf.coarse()
    }

    fn add(&mut self, vectors: &Vectors, first: i64) -> Result<()> {
        let coarse = &self.ivf.coarse;
        let residuals = coarse.residuals(vectors, &coarse.cells(vectors)?)?;
        let codes = self.finer.encode(&second_residuals(&self.ivf.lists.codec, &residuals)?)?;
        self.places = OnceLock::new();
        self.ivf.add(vectors, first)?;
        self.codes.to_mut().extend_from_slice(&codes);
        Ok(())
    }

    fn remove(&mut self, ids: &HashSet<i64>) -> Result<usize> {
        let mut gone: Vec<i64> =
            ids.iter().copied().filter(|id| (0..self.ntotal() as i64).contains(id)).collect();
        gone.sort_unstable();
        self.places = OnceLock::new();
        self.ivf.remove(ids)?;
        self.ivf.close_gaps(&gone);
        Ok(positional_ids::remove(&mut self.codes, self.finer.code_size(), ids))
    }

    fn search(&self, queries: Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        let mut found = Neighbours::missing(queries.n, k, Metric::L2)?;
        let k_base = ((k as f64 * f64::from(self.k_factor)) as usize).clamp(k, self.ntotal().max(k));
        let base = self.ivf.search(queries.borrowed(), k_base, nprobe)?;
        let queries = queries.host.par_chunks_exact(queries.d).zip(base.ids.par_chunks_exact(k_base));
        let rows = found.distances.par_chunks_mut(k).zip(found.ids.par_chunks_mut(k));
        queries.zip(rows).for_each(|((query, near), (distances, ids))| {
            write_row(Metric::L2, &self.rank(query, near), distances, ids);
        });
        Ok(found)
    }

    /// Compares the codes of the inverted file alone, as faiss does.
    fn range_search(&self, queries: &Vectors, radius: f32, nprobe: usize) -> Result<RangeNeighbours> {
        self.ivf.range_search(queries, radius, nprobe)
    }

    fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let mut row = self.ivf.reconstruct(id)?;
        self.refine(id as usize, &mut row);
        Ok(row)
    }

    /// Round trip of the first codes, which determine the candidates.
    fn round_trip(&self, vectors: &Vectors) -> Result<Vec<f32>> {
        self.ivf.round_trip(vectors)
    }
}
