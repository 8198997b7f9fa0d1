//! Writer of indexes, byte for byte as faiss writes them.

mod codecs;
mod graph;
mod inverted_file;
mod lsh;
mod transforms;

use std::io::{self, Write};

use super::fourcc::*;
use crate::{
    kinds::{
        Kind, exhaustive::Exhaustive, ivf::array_lists::ArrayList, mapped::Mapped, refined::Refined,
        store::Store,
    },
    metric::Metric,
    quantise::codec::Codec,
};

/// Writes a whole index.
pub(crate) fn write_index(kind: &Kind, out: &mut dyn Write) -> io::Result<()> {
    Writer { out }.index(kind)
}

/// Writes inverted lists of codes of `code_size` bytes without an index.
pub(crate) fn write_lists(code_size: usize, lists: &[ArrayList], out: &mut dyn Write) -> io::Result<()> {
    Writer { out }.array_lists(code_size, lists)
}

struct Writer<'a> {
    out: &'a mut dyn Write,
}

impl Writer<'_> {
    fn index(&mut self, kind: &Kind) -> io::Result<()> {
        match kind {
            Kind::Exhaustive(index) => self.exhaustive(index),
            Kind::Graph(index) => self.graph_of_entries(index),
            Kind::Ivf(index) => self.ivf(index),
            Kind::FastScan(index) => self.ivf_fast_scan(index),
            Kind::PqResidual(index) => self.ivf_pq_residual(index),
            Kind::Lsh(index) => self.lsh(index),
            Kind::Transformed(index) => self.transformed(index),
            Kind::Refined(index) => self.refined(index),
            Kind::Mapped(index) => self.mapped(index),
        }
    }

    fn exhaustive(&mut self, index: &Exhaustive) -> io::Result<()> {
        match &index.codec {
            Codec::Flat { .. } => self.flat(index.metric, index.d(), &index.codes),
            Codec::Pq(pq) => self.exhaustive_pq(index, pq),
            Codec::Sq(sq) => self.exhaustive_sq(index, sq),
            Codec::RaBitQ(signs) => self.exhaustive_rabitq(index, signs),
        }
    }

    fn header(&mut self, d: usize, ntotal: usize, metric: Metric) -> io::Result<()> {
        self.dimension(d)?;
        self.i64s([ntotal as i64, HEADER_FILLER, HEADER_FILLER])?;
        self.byte(1)?;
        self.metric(metric)
    }

    fn metric(&mut self, metric: Metric) -> io::Result<()> {
        self.i32(match metric {
            Metric::InnerProduct => METRIC_IP,
            Metric::L2 => METRIC_L2,
        })
    }

    fn header_of(&mut self, store: &dyn Store) -> io::Result<()> {
        self.header(store.d(), store.ntotal(), store.metric())
    }

    /// Writes a flat index; `vectors` are the bytes of its float32 values.
    fn flat(&mut self, metric: Metric, d: usize, vectors: &[u8]) -> io::Result<()> {
        self.out.write_all(match metric {
            Metric::L2 => &FLAT_L2,
            Metric::InnerProduct => &FLAT_IP,
        })?;
        let floats = vectors.len() / size_of::<f32>();
        self.header(d, floats / d, metric)?;
        self.size(floats)?;
        self.out.write_all(vectors)
    }

    fn refined(&mut self, index: &Refined<Kind>) -> io::Result<()> {
        self.out.write_all(&REFINED)?;
        self.header_of(index)?;
        self.index(&index.base)?;
        self.exhaustive(&index.vectors)?;
        self.f32(index.k_factor)
    }

    fn mapped(&mut self, index: &Mapped<Kind>) -> io::Result<()> {
        self.out.write_all(if index.two_way { &MAPPED_TWO_WAY } else { &MAPPED })?;
        self.header_of(index)?;
        self.index(&index.inner)?;
        self.size(index.ids.len())?;
        self.out.write_all(index.ids.bytes())
    }

    fn byte(&mut self, value: u8) -> io::Result<()> {
        self.out.write_all(&[value])
    }

    fn i32(&mut self, value: i32) -> io::Result<()> {
        self.out.write_all(&value.to_le_bytes())
    }

    /// Writes a size as i32.
    fn dimension(&mut self, size: usize) -> io::Result<()> {
        self.i32(i32::try_from(size).map_err(io::Error::other)?)
    }

    fn f32(&mut self, value: f32) -> io::Result<()> {
        self.out.write_all(&value.to_le_bytes())
    }

    fn size(&mut self, size: usize) -> io::Result<()> {
        self.out.write_all(&(size as u64).to_le_bytes())
    }

    /// Writes a count and that many values.
    fn floats(&mut self, values: &[f32]) -> io::Result<()> {
        self.size(values.len())?;
        values.iter().try_for_each(|value| self.out.write_all(&value.to_le_bytes()))
    }

    /// Writes a count and that many bytes.
    fn bytes(&mut self, values: &[u8]) -> io::Result<()> {
        self.size(values.len())?;
        self.out.write_all(values)
    }

    /// Writes values without a count.
    fn i64s(&mut self, values: impl IntoIterator<Item = i64>) -> io::Result<()> {
        values.into_iter().try_for_each(|value| self.out.write_all(&value.to_le_bytes()))
    }
}
