//! Writes an index as faiss does, byte for byte.

use std::io::{self, Write};

use super::*;
use crate::direct_map::DirectMap;
use crate::factory::NBITS;
use crate::inverted_lists::InvertedLists;
use crate::ivf::Ivf;
use crate::ivf_pq::IvfPq;
use crate::{Index, Metric};

/// Writes the whole index.
pub(crate) fn write_index(index: &Index, out: &mut dyn Write) -> io::Result<()> {
    match index {
        Index::Flat(flat) => write_flat(out, flat.metric, flat.d, &flat.vectors),
        Index::IvfFlat(index) => {
            out.write_all(&IVF_FLAT)?;
            write_ivf_header(out, &index.ivf)?;
            write_lists(out, &index.ivf.lists)
        }
        Index::IvfPq(index) => {
            out.write_all(&IVF_PQ)?;
            write_ivf_header(out, &index.ivf)?;
            write_product_quantizer(out, index)?;
            write_lists(out, &index.ivf.lists)
        }
    }
}

fn write_header(out: &mut dyn Write, d: usize, ntotal: usize, metric: Metric) -> io::Result<()> {
    let metric = match metric {
        Metric::InnerProduct => METRIC_IP,
        Metric::L2 => METRIC_L2,
    };
    let d = i32::try_from(d).map_err(io::Error::other)?;
    out.write_all(&d.to_le_bytes())?;
    out.write_all(&(ntotal as i64).to_le_bytes())?;
    out.write_all(&HEADER_FILLER.to_le_bytes())?;
    out.write_all(&HEADER_FILLER.to_le_bytes())?;
    out.write_all(&[1])?;
    out.write_all(&metric.to_le_bytes())
}

fn write_flat(out: &mut dyn Write, metric: Metric, d: usize, vectors: &[f32]) -> io::Result<()> {
    out.write_all(match metric {
        Metric::L2 => &FLAT_L2,
        Metric::InnerProduct => &FLAT_IP,
    })?;
    write_header(out, d, vectors.len() / d, metric)?;
    write_floats(out, vectors)
}

fn write_ivf_header(out: &mut dyn Write, ivf: &Ivf) -> io::Result<()> {
    let coarse = &ivf.coarse;
    write_header(out, coarse.d, ivf.lists.ntotal(), coarse.metric)?;
    write_size(out, coarse.nlist)?;
    out.write_all(&ivf.nprobe.to_le_bytes())?;
    write_flat(out, coarse.metric, coarse.d, &coarse.centroids)?;
    write_direct_map(out, &ivf.direct_map)
}

fn write_direct_map(out: &mut dyn Write, map: &DirectMap) -> io::Result<()> {
    match map {
        DirectMap::None => {
            out.write_all(&[MAP_NONE])?;
            write_size(out, 0)
        }
        DirectMap::Array(places) => {
            out.write_all(&[MAP_ARRAY])?;
            write_size(out, places.len())?;
            write_i64s(out, places.iter().copied())
        }
        DirectMap::Hashtable(pairs) => {
            out.write_all(&[MAP_HASHTABLE])?;
            write_size(out, 0)?;
            write_size(out, pairs.len())?;
            write_i64s(out, pairs.iter().flat_map(|&(id, place)| [id, place]))
        }
    }
}

fn write_product_quantizer(out: &mut dyn Write, index: &IvfPq) -> io::Result<()> {
    out.write_all(&[u8::from(index.by_residual)])?;
    for size in [index.ivf.lists.code_size, index.pq.d, index.pq.m, NBITS] {
        write_size(out, size)?;
    }
    write_floats(out, &index.pq.centroids)
}

fn write_lists(out: &mut dyn Write, lists: &InvertedLists) -> io::Result<()> {
    out.write_all(&ARRAY_LISTS)?;
    write_size(out, lists.lists.len())?;
    write_size(out, lists.code_size)?;
    write_list_sizes(out, lists)?;
    for list in &lists.lists {
        out.write_all(&list.codes)?;
        write_i64s(out, list.ids.iter().copied())?;
    }
    Ok(())
}

/// All sizes where more than half of the lists hold something, else (list, size) pairs of those that do.
fn write_list_sizes(out: &mut dyn Write, lists: &InvertedLists) -> io::Result<()> {
    let sizes = || lists.lists.iter().map(|list| list.ids.len());
    let filled = sizes().filter(|&size| size > 0).count();
    if filled > lists.lists.len() / 2 {
        out.write_all(&FULL_SIZES)?;
        write_size(out, lists.lists.len())?;
        sizes().try_for_each(|size| write_size(out, size))
    } else {
        out.write_all(&SPARSE_SIZES)?;
        write_size(out, 2 * filled)?;
        let pairs = sizes().enumerate().filter(|&(_, size)| size > 0);
        pairs.flat_map(|(list, size)| [list, size]).try_for_each(|value| write_size(out, value))
    }
}

fn write_floats(out: &mut dyn Write, values: &[f32]) -> io::Result<()> {
    write_size(out, values.len())?;
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

fn write_i64s(out: &mut dyn Write, mut values: impl Iterator<Item = i64>) -> io::Result<()> {
    values.try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

fn write_size(out: &mut dyn Write, size: usize) -> io::Result<()> {
    out.write_all(&(size as u64).to_le_bytes())
}
