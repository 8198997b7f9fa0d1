//! Reader of indexes in faiss's format.

mod codecs;
mod graph;
mod inverted_file;
mod lists;
mod lsh;
mod on_disk;
mod transforms;
mod wrappers;

use std::path::Path;

use burn::tensor::Device;

use super::{
    fourcc::*,
    kinds::{unsupported_coarse, unsupported_index, unsupported_lists, unsupported_transform},
    source::Source,
};
use crate::{
    error::{Error, Result},
    kinds::{Kind, exhaustive::Exhaustive, ivf::array_lists::ArrayList, store::AsStore},
    metric::Metric,
    quantise::codec::Codec,
    vectors::check_finite,
};

/// Largest dimension accepted, more than any descriptor has. Without a limit, a small file of short codes
/// could make the reader allocate gigabytes.
const MAX_D: usize = 1 << 20;

/// Deepest nesting of indexes; transforms and re-ranking around one index need no more.
const MAX_DEPTH: usize = 4;

/// Reads one index that fills the whole source, with its quantisers on `device`. Files that belong to it are
/// looked up in `folder`; without one they are not opened.
pub(crate) fn read_index(mut source: Source, device: &Device, folder: Option<&Path>) -> Result<Kind> {
    let kind = Reader { source: &mut source, device, folder }.index(MAX_DEPTH)?;
    source.end()?;
    Ok(kind)
}

/// Returns true if a source holds inverted lists without an index.
pub(crate) fn holds_lists(source: &Source) -> bool {
    source.begins_with(&ARRAY_LISTS)
}

/// Reads inverted lists that fill the whole source: `nlist` lists of codes of `code_size` bytes.
pub(crate) fn read_lists(
    mut source: Source,
    device: &Device,
    nlist: usize,
    code_size: usize,
) -> Result<Vec<ArrayList>> {
    let (lists, _) = Reader { source: &mut source, device, folder: None }.array_lists(nlist, code_size)?;
    source.end()?;
    Ok(lists)
}

/// Source of the bytes, device of the quantisers, and folder of the file.
struct Reader<'a, 'b> {
    source: &'a mut Source<'b>,
    device: &'a Device,
    folder: Option<&'a Path>,
}

/// Header of every index.
struct Header {
    d: usize,
    ntotal: usize,
    metric: Metric,
}

impl Reader<'_, '_> {
    /// Reads an index that may contain `depth - 1` nested levels of others.
    fn index(&mut self, depth: usize) -> Result<Kind> {
        if depth == 0 {
            return Err(Error::field("index within indexes", format!("at most {MAX_DEPTH} deep"), "more"));
        }
        match self.source.fourcc("index fourcc")? {
            fourcc @ (FLAT_L2 | FLAT_IP) => Ok(Kind::Exhaustive(self.flat(fourcc)?)),
            EXHAUSTIVE_PQ => Ok(Kind::Exhaustive(self.exhaustive_pq()?)),
            fourcc @ (GRAPH | GRAPH_SQ | GRAPH_PQ) => Ok(Kind::Graph(self.graph_of_entries(fourcc)?)),
            IVF_FLAT => Ok(Kind::Ivf(self.ivf_flat()?)),
            IVF_PQ => Ok(Kind::Ivf(self.ivf_pq()?)),
            EXHAUSTIVE_RABITQ => Ok(Kind::Exhaustive(self.exhaustive_rabitq()?)),
            IVF_RABITQ => Ok(Kind::Ivf(self.ivf_rabitq()?)),
            EXHAUSTIVE_SQ => Ok(Kind::Exhaustive(self.exhaustive_sq()?)),
            IVF_SQ => Ok(Kind::Ivf(self.ivf_sq()?)),
            IVF_PQ_RESIDUAL => Ok(Kind::PqResidual(self.ivf_pq_residual()?)),
            IVF_FAST_SCAN => Ok(Kind::FastScan(self.ivf_fast_scan()?)),
            LSH => Ok(Kind::Lsh(self.lsh()?)),
            TRANSFORMED => Ok(Kind::Transformed(Box::new(self.transformed(depth)?))),
            REFINED => Ok(Kind::Refined(Box::new(self.refined(depth)?))),
            MAPPED => Ok(Kind::Mapped(Box::new(self.mapped(depth, false)?))),
            MAPPED_TWO_WAY => Ok(Kind::Mapped(Box::new(self.mapped(depth, true)?))),
            found => Err(unsupported_index("index", found)),
        }
    }

    fn header(&mut self) -> Result<Header> {
        let d = positive("d", self.source.i32("d")?)?;
        if d > MAX_D {
            return Err(Error::field("d", format!("at most {MAX_D}"), d));
        }
        let ntotal = self.source.i64("ntotal")?;
        let ntotal = usize::try_from(ntotal).map_err(|_| Error::field("ntotal", "at least 0", ntotal))?;
        for field in ["first header filler", "second header filler"] {
            expect(field, HEADER_FILLER, self.source.i64(field)?)?;
        }
        expect("is_trained", 1, self.source.byte("is_trained")?)?;
        let metric = self.metric("metric_type")?;
        Ok(Header { d, ntotal, metric })
    }

    fn metric(&mut self, field: &'static str) -> Result<Metric> {
        match self.source.i32(field)? {
            METRIC_IP => Ok(Metric::InnerProduct),
            METRIC_L2 => Ok(Metric::L2),
            found => Err(Error::field(field, "0 (inner product) or 1 (L2)", found)),
        }
    }

    fn flat(&mut self, fourcc: Fourcc) -> Result<Exhaustive> {
        let (header, floats) = self.flat_header(fourcc)?;
        let codes =
            self.source.bytes("flat vectors", product("flat vector bytes", floats, size_of::<f32>())?)?;
        let codec = Codec::Flat { d: header.d };
        Ok(Exhaustive { codes, ..Exhaustive::new(header.metric, codec) })
    }

    /// Reads the fields before a flat index's vectors; returns the header and the number of floats.
    fn flat_header(&mut self, fourcc: Fourcc) -> Result<(Header, usize)> {
        let header = self.header()?;
        let metric = if fourcc == FLAT_L2 { Metric::L2 } else { Metric::InnerProduct };
        if header.metric != metric {
            let expected = format!("{metric} for fourcc {}", text(fourcc));
            return Err(Error::field("metric_type", expected, header.metric));
        }
        let floats = product("flat vector count", header.ntotal, header.d)?;
        expect("flat vector count", floats, self.source.size("flat vector count")?)?;
        Ok((header, floats))
    }

    /// Reads a counted vector of `expected` finite floats in rows of `d`.
    fn finite_floats(
        &mut self,
        count_field: &'static str,
        field: &'static str,
        expected: usize,
        d: usize,
    ) -> Result<Vec<f32>> {
        expect(count_field, expected, self.source.size(count_field)?)?;
        let values = self.source.floats(field, expected)?;
        check_finite(field, &values, d)?;
        Ok(values)
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(field: &'static str, expected: T, found: T) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::field(field, format!("{expected:?}"), format!("{found:?}")))
}

fn positive<T: TryInto<usize> + ToString + Copy>(field: &'static str, found: T) -> Result<usize> {
    let size = found.try_into().ok().filter(|&size| size > 0);
    size.ok_or_else(|| Error::field(field, "at least 1", found))
}

fn product(field: &'static str, a: usize, b: usize) -> Result<usize> {
    let fits = || Error::field(field, "a size that fits in memory", format!("{a} * {b}"));
    a.checked_mul(b).ok_or_else(fits)
}

fn unsupported(field: &'static str, found: Fourcc, supported: &'static str) -> Error {
    Error::Fourcc { field, found: text(found), supported }
}

fn text(fourcc: Fourcc) -> String {
    fourcc.escape_ascii().to_string()
}
