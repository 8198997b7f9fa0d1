//! Reads an index that faiss or this crate wrote.

use std::io::Read;

use burn::tensor::Device;

use super::*;
use crate::coarse::Coarse;
use crate::direct_map::DirectMap;
use crate::factory::NBITS;
use crate::flat::Flat;
use crate::inverted_lists::{InvertedList, InvertedLists};
use crate::ivf::Ivf;
use crate::ivf_flat::{IvfFlat, decode};
use crate::ivf_pq::IvfPq;
use crate::pq::{KSUB, ProductQuantizer};
use crate::vectors::check_finite;
use crate::{Error, Index, Metric, Result};

/// Reads one index that fills the whole source; its quantisers go to `device`.
pub(crate) fn read_index<R: Read>(mut source: Source<R>, device: &Device) -> Result<Index> {
    let index = match source.fourcc("index fourcc")? {
        fourcc @ (FLAT_L2 | FLAT_IP) => Index::Flat(read_flat(&mut source, fourcc, device)?),
        IVF_FLAT => Index::IvfFlat(read_ivf_flat(&mut source, device)?),
        IVF_PQ => Index::IvfPq(read_ivf_pq(&mut source, device)?),
        found => return Err(unsupported("index fourcc", found, "IxF2, IxFI, IwFl, IwPQ")),
    };
    source.end()?;
    Ok(index)
}

/// What every index begins with.
struct Header {
    d: usize,
    ntotal: usize,
    metric: Metric,
}

fn read_header<R: Read>(source: &mut Source<R>) -> Result<Header> {
    let d = positive("d", source.i32("d")?)?;
    let ntotal = source.i64("ntotal")?;
    let ntotal = usize::try_from(ntotal).map_err(|_| Error::field("ntotal", "at least 0", ntotal))?;
    for field in ["first header filler", "second header filler"] {
        expect(field, HEADER_FILLER, source.i64(field)?)?;
    }
    expect("is_trained", 1, source.byte("is_trained")?)?;
    let metric = match source.i32("metric_type")? {
        METRIC_IP => Metric::InnerProduct,
        METRIC_L2 => Metric::L2,
        found => return Err(Error::field("metric_type", "0 (inner product) or 1 (L2)", found)),
    };
    Ok(Header { d, ntotal, metric })
}

fn read_flat<R: Read>(source: &mut Source<R>, fourcc: Fourcc, device: &Device) -> Result<Flat> {
    let header = read_header(source)?;
    let metric = if fourcc == FLAT_L2 { Metric::L2 } else { Metric::InnerProduct };
    if header.metric != metric {
        let expected = format!("{metric} as the fourcc {} says", text(fourcc));
        return Err(Error::field("metric_type", expected, header.metric));
    }
    let floats = product("flat vector count", header.ntotal, header.d)?;
    let vectors = read_vector_of_floats(source, "flat vector count", "flat vectors", floats, header.d)?;
    Ok(Flat::new(metric, header.d, vectors, device))
}

fn read_ivf_flat<R: Read>(source: &mut Source<R>, device: &Device) -> Result<IvfFlat> {
    let header = read_ivf_header(source, device)?;
    let code_size = product("code_size", header.coarse.d, size_of::<f32>())?;
    let ivf = read_lists(source, header, code_size)?;
    for list in &ivf.lists.lists {
        let values: Vec<f32> = decode(&list.codes).collect();
        check_finite("vectors of an inverted list", &values, ivf.coarse.d)?;
    }
    Ok(IvfFlat { ivf })
}

fn read_ivf_pq<R: Read>(source: &mut Source<R>, device: &Device) -> Result<IvfPq> {
    let header = read_ivf_header(source, device)?;
    let by_residual = match source.byte("by_residual")? {
        0 => false,
        1 => true,
        found => return Err(Error::field("by_residual", "0 or 1", found)),
    };
    let code_size = source.size("code_size")?;
    let pq = read_product_quantizer(source, header.coarse.d, device)?;
    expect("code_size", pq.m, code_size)?;
    let ivf = read_lists(source, header, code_size)?;
    Ok(IvfPq { ivf, pq, by_residual })
}

/// What every inverted file begins with.
struct IvfHeader {
    ntotal: usize,
    nprobe: u64,
    coarse: Coarse,
    direct_map: DirectMap,
}

fn read_ivf_header<R: Read>(source: &mut Source<R>, device: &Device) -> Result<IvfHeader> {
    let header = read_header(source)?;
    let nlist = positive("nlist", source.u64("nlist")?)?;
    let nprobe = source.u64("nprobe")?;
    positive("nprobe", nprobe)?;
    let coarse = read_coarse(source, &header, nlist, device)?;
    let direct_map = read_direct_map(source)?;
    Ok(IvfHeader { ntotal: header.ntotal, nprobe, coarse, direct_map })
}

fn read_coarse<R: Read>(
    source: &mut Source<R>,
    header: &Header,
    nlist: usize,
    device: &Device,
) -> Result<Coarse> {
    let fourcc = source.fourcc("coarse quantiser fourcc")?;
    if fourcc != FLAT_L2 && fourcc != FLAT_IP {
        return Err(unsupported("coarse quantiser fourcc", fourcc, "IxF2, IxFI"));
    }
    let flat = read_flat(source, fourcc, device)?;
    expect("d of the coarse quantiser", header.d, flat.d)?;
    expect("metric_type of the coarse quantiser", header.metric, flat.metric)?;
    expect("ntotal of the coarse quantiser", nlist, flat.ntotal())?;
    Ok(Coarse::new(header.metric, flat.vectors, header.d, device))
}

fn read_direct_map<R: Read>(source: &mut Source<R>) -> Result<DirectMap> {
    let kind = source.byte("direct map type")?;
    let count = source.size("direct map array count")?;
    let places = source.i64s("direct map array", count)?;
    match kind {
        MAP_ARRAY => return Ok(DirectMap::Array(places)),
        MAP_NONE | MAP_HASHTABLE => expect("direct map array count", 0, count)?,
        found => return Err(Error::field("direct map type", "0, 1 or 2", found)),
    }
    if kind == MAP_NONE {
        return Ok(DirectMap::None);
    }
    let count = product("direct map pair count", source.size("direct map pair count")?, 2)?;
    let pairs = source.i64s("direct map pairs", count)?;
    Ok(DirectMap::Hashtable(pairs.as_chunks().0.iter().map(|&[id, place]| (id, place)).collect()))
}

fn read_product_quantizer<R: Read>(
    source: &mut Source<R>,
    d: usize,
    device: &Device,
) -> Result<ProductQuantizer> {
    expect("d of the product quantiser", d, source.size("d of the product quantiser")?)?;
    let m = source.size("m of the product quantiser")?;
    if m == 0 || !d.is_multiple_of(m) {
        return Err(Error::field("m of the product quantiser", format!("a divisor of {d}"), m));
    }
    expect("nbits of the product quantiser", NBITS, source.size("nbits of the product quantiser")?)?;
    let floats = product("codeword count", d, KSUB)?;
    let centroids = read_vector_of_floats(source, "codeword count", "codewords", floats, d / m)?;
    Ok(ProductQuantizer::new(d, m, centroids, device))
}

/// Reads the inverted lists, which end every inverted file.
fn read_lists<R: Read>(source: &mut Source<R>, header: IvfHeader, code_size: usize) -> Result<Ivf> {
    let IvfHeader { ntotal, nprobe, coarse, direct_map } = header;
    match source.fourcc("inverted lists fourcc")? {
        ARRAY_LISTS => {}
        found => return Err(unsupported("inverted lists fourcc", found, "ilar")),
    }
    expect("nlist of the inverted lists", coarse.nlist, source.size("nlist of the inverted lists")?)?;
    expect("code_size of the inverted lists", code_size, source.size("code_size of the inverted lists")?)?;
    let sizes = read_list_sizes(source, coarse.nlist)?;
    let entries = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if entries != Some(ntotal) {
        return Err(Error::field("inverted list sizes", format!("ntotal {ntotal} in sum"), show(entries)));
    }
    let lists = sizes.into_iter().map(|size| read_list(source, size, code_size)).collect::<Result<_>>()?;
    let lists = InvertedLists { code_size, lists };
    direct_map.check(&lists)?;
    Ok(Ivf { coarse, lists, direct_map, nprobe })
}

/// Sizes of all lists, `[nlist]`.
fn read_list_sizes<R: Read>(source: &mut Source<R>, nlist: usize) -> Result<Vec<usize>> {
    let kind = source.fourcc("list type fourcc")?;
    if kind != FULL_SIZES && kind != SPARSE_SIZES {
        return Err(unsupported("list type fourcc", kind, "full, sprs"));
    }
    let count = source.size("list size count")?;
    if kind == FULL_SIZES {
        expect("list size count", nlist, count)?;
    }
    let values = source.u64s("list sizes", count)?;
    let values = values.into_iter().map(|value| usize::try_from(value).unwrap_or(usize::MAX));
    if kind == FULL_SIZES { Ok(values.collect()) } else { spread(&values.collect::<Vec<_>>(), nlist) }
}

/// Sizes of all lists from the (list, size) pairs of those that are not empty.
fn spread(pairs: &[usize], nlist: usize) -> Result<Vec<usize>> {
    let (pairs, rest) = pairs.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::field("list size count", "an even number", pairs.len() * 2 + rest.len()));
    }
    let mut sizes = vec![0; nlist];
    let mut next = 0;
    for &[list, size] in pairs {
        if list < next || list >= nlist {
            let expected = format!("list numbers that ascend below {nlist}");
            return Err(Error::field("list sizes", expected, list));
        }
        sizes[list] = positive("size of a list", size as u64)?;
        next = list + 1;
    }
    Ok(sizes)
}

fn read_list<R: Read>(source: &mut Source<R>, size: usize, code_size: usize) -> Result<InvertedList> {
    let codes = source.bytes("codes of an inverted list", product("code bytes", size, code_size)?)?;
    let ids = source.i64s("ids of an inverted list", size)?;
    Ok(InvertedList { codes, ids })
}

/// A vector whose count is known beforehand; rows of `d` values, all finite.
fn read_vector_of_floats<R: Read>(
    source: &mut Source<R>,
    count_field: &'static str,
    field: &'static str,
    expected: usize,
    d: usize,
) -> Result<Vec<f32>> {
    expect(count_field, expected, source.size(count_field)?)?;
    let values = source.floats(field, expected)?;
    check_finite(field, &values, d)?;
    Ok(values)
}

fn expect<T: PartialEq + ToString>(field: &'static str, expected: T, found: T) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::field(field, expected, found)) }
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

fn show(sum: Option<usize>) -> String {
    sum.map_or("an overflow".to_owned(), |sum| sum.to_string())
}
