//! Reading of HNSW graphs, and of the centroids of coarse quantisers.

use super::*;
use crate::{
    kinds::{graph::Graph, store::Store},
    quantise::{coarse::Coarse, hnsw::Hnsw},
};

impl Reader<'_, '_> {
    /// Reads the coarse quantiser of an index with this header and `nlist` lists.
    pub fn coarse(&mut self, header: &Header, nlist: usize) -> Result<Coarse> {
        match self.source.fourcc("coarse quantiser fourcc")? {
            fourcc @ (FLAT_L2 | FLAT_IP) => self.centroids(header, nlist, fourcc),
            GRAPH => self.graph(header, nlist),
            found => Err(unsupported_coarse("coarse quantiser", found)),
        }
    }

    fn centroids(&mut self, header: &Header, nlist: usize, fourcc: Fourcc) -> Result<Coarse> {
        let (flat, floats) = self.flat_header(fourcc)?;
        expect("d of the coarse quantiser", header.d, flat.d)?;
        expect("metric_type of the coarse quantiser", header.metric, flat.metric)?;
        expect("ntotal of the coarse quantiser", nlist, flat.ntotal)?;
        // Read rather than mapped, because all of them are used.
        let centroids = self.source.floats("coarse centroids", floats)?;
        check_finite("coarse centroids", &centroids, header.d)?;
        Coarse::new(header.metric, centroids, header.d, self.device)
    }

    fn graph(&mut self, header: &Header, nlist: usize) -> Result<Coarse> {
        let outer = self.header()?;
        expect("ntotal of the HNSW graph", nlist, outer.ntotal)?;
        let graph = self.vertices(nlist)?;
        let fourcc = self.source.fourcc("storage fourcc of the HNSW graph")?;
        if fourcc != FLAT_L2 && fourcc != FLAT_IP {
            return Err(unsupported_coarse("storage of the HNSW graph", fourcc));
        }
        let mut coarse = self.centroids(header, nlist, fourcc)?;
        expect("header of the HNSW graph", (header.d, header.metric), (outer.d, outer.metric))?;
        coarse.graph = Some(graph);
        Ok(coarse)
    }

    /// Reads an index whose entries are the vertices of a graph.
    pub fn graph_of_entries(&mut self, fourcc: Fourcc) -> Result<Graph> {
        let header = self.header()?;
        let hnsw = self.vertices(header.ntotal)?;
        let storage = match (fourcc, self.source.fourcc("storage fourcc of the HNSW graph")?) {
            (GRAPH, fourcc @ (FLAT_L2 | FLAT_IP)) => self.flat(fourcc)?,
            (GRAPH_SQ, EXHAUSTIVE_SQ) => self.exhaustive_sq()?,
            (GRAPH_PQ, EXHAUSTIVE_PQ) => self.exhaustive_pq()?,
            (_, found) => return Err(unsupported_index("storage of the HNSW graph", found)),
        };
        let found = (storage.d(), storage.ntotal(), storage.metric);
        expect("header of the HNSW graph", found, (header.d, header.ntotal, header.metric))?;
        Ok(Graph { hnsw, storage })
    }

    /// Reads a graph of `n` vertices.
    fn vertices(&mut self, n: usize) -> Result<Hnsw> {
        let graph = Hnsw {
            assign_probas: self.counted("assign_probas", |source, field, count| source.f64s(field, count))?,
            cum_nneighbor_per_level: self
                .counted("cum_nneighbor_per_level", |source, field, count| source.i32s(field, count))?,
            levels: self.counted("levels", |source, field, count| source.i32s(field, count))?,
            offsets: self.counted("offsets", |source, field, count| source.u64s(field, count))?,
            neighbors: self.counted("neighbors", |source, field, count| source.i32s(field, count))?,
            entry_point: self.source.i32("entry_point")?,
            max_level: self.source.i32("max_level")?,
            ef_construction: self.source.i32("efConstruction")?,
            ef_search: self.source.i32("efSearch")?,
            upper_beam: self.source.i32("upper_beam")?,
        };
        graph.validate(n)?;
        Ok(graph)
    }

    /// Reads a count and that many values.
    fn counted<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Source, &'static str, usize) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let count = self.source.size(field)?;
        read(self.source, field, count)
    }
}
