//! Writing of HNSW graphs, and of the centroids of coarse quantisers.

use super::*;
use crate::{
    kinds::graph::Graph,
    quantise::{coarse::Coarse, hnsw::Hnsw},
    stored_bytes::floats_to_bytes,
};

impl Writer<'_> {
    pub fn coarse(&mut self, coarse: &Coarse) -> io::Result<()> {
        if let Some(graph) = &coarse.graph {
            self.out.write_all(&GRAPH)?;
            self.header(coarse.d, coarse.nlist, coarse.metric)?;
            self.graph(graph)?;
        }
        self.flat(coarse.metric, coarse.d, &floats_to_bytes(coarse.centroids()))
    }

    pub fn graph_of_entries(&mut self, index: &Graph) -> io::Result<()> {
        self.out.write_all(match &index.storage.codec {
            Codec::Flat { .. } => &GRAPH,
            Codec::Sq(_) => &GRAPH_SQ,
            Codec::Pq(_) => &GRAPH_PQ,
            Codec::RaBitQ(_) => return Err(io::Error::other("a graph over RaBitQ has no file format here")),
        })?;
        self.header_of(index)?;
        self.graph(&index.hnsw)?;
        self.exhaustive(&index.storage)
    }

    fn graph(&mut self, graph: &Hnsw) -> io::Result<()> {
        self.size(graph.assign_probas.len())?;
        graph.assign_probas.iter().try_for_each(|value| self.out.write_all(&value.to_le_bytes()))?;
        self.counted_i32s(&graph.cum_nneighbor_per_level)?;
        self.counted_i32s(&graph.levels)?;
        self.size(graph.offsets.len())?;
        graph.offsets.iter().try_for_each(|value| self.out.write_all(&value.to_le_bytes()))?;
        self.counted_i32s(&graph.neighbors)?;
        let last =
            [graph.entry_point, graph.max_level, graph.ef_construction, graph.ef_search, graph.upper_beam];
        last.into_iter().try_for_each(|value| self.i32(value))
    }

    fn counted_i32s(&mut self, values: &[i32]) -> io::Result<()> {
        self.size(values.len())?;
        values.iter().try_for_each(|&value| self.i32(value))
    }
}
