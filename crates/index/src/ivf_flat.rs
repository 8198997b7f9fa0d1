//! `IVF{nlist},Flat`: vectors as they are, in inverted lists.

use crate::Result;
use crate::coarse::Probe;
use crate::inverted_lists::InvertedList;
use crate::ivf::Ivf;
use crate::search::{Neighbours, TopK};
use crate::vectors::Vectors;

/// An inverted file whose codes are the vectors themselves.
#[derive(Clone)]
pub struct IvfFlat {
    /// Codes are `d` little-endian float32.
    pub(crate) ivf: Ivf,
}

impl IvfFlat {
    pub(crate) fn encode(&self, vectors: &Vectors) -> Vec<u8> {
        encode(&vectors.host)
    }

    pub(crate) fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        Ok(decode(self.ivf.lists.code_at(self.ivf.find(id)?)).collect())
    }

    pub(crate) fn search(&self, queries: &Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        self.ivf.search(queries, k, nprobe, |query| {
            let mut vector = vec![0.0; query.len()];
            move |_: Probe, list: &InvertedList, top: &mut TopK| self.scan(query, &mut vector, list, top)
        })
    }

    /// `vector` is room for `d` floats.
    fn scan(&self, query: &[f32], vector: &mut [f32], list: &InvertedList, top: &mut TopK) {
        let metric = self.ivf.coarse.metric;
        for (code, &id) in list.codes.chunks_exact(self.ivf.lists.code_size).zip(&list.ids) {
            vector.iter_mut().zip(decode(code)).for_each(|(out, value)| *out = value);
            top.push(metric.key(metric.distance(query, vector)), id);
        }
    }
}

/// Little-endian bytes of some floats.
fn encode(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The floats that [`encode`] was given.
pub(crate) fn decode(code: &[u8]) -> impl Iterator<Item = f32> {
    code.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes))
}
