//! Writing of inverted files.

use super::{
    super::fast_scan::{FastScanFields, write_lists},
    *,
};
use crate::{
    kinds::{
        ivf::{Ivf, IvfFastScan, block_lists::BlockLists, direct_map::DirectMap},
        pq_residual::PqResidual,
    },
    quantise::{coarse::Coarse, fast_scan_pq::FastScanPq},
};

impl Writer<'_> {
    pub fn ivf(&mut self, ivf: &Ivf) -> io::Result<()> {
        self.out.write_all(match &ivf.lists.codec {
            Codec::Flat { .. } => &IVF_FLAT,
            Codec::Pq(_) => &IVF_PQ,
            Codec::Sq(_) => &IVF_SQ,
            Codec::RaBitQ(_) => &IVF_RABITQ,
        })?;
        self.ivf_fields(ivf)
    }

    pub fn ivf_pq_residual(&mut self, index: &PqResidual) -> io::Result<()> {
        self.out.write_all(&IVF_PQ_RESIDUAL)?;
        self.ivf_fields(index.ivf())?;
        self.product_quantiser(&index.finer)?;
        self.bytes(&index.codes)?;
        self.f32(index.k_factor)
    }

    /// Writes an inverted file behind its fourcc.
    fn ivf_fields(&mut self, ivf: &Ivf) -> io::Result<()> {
        self.header_of(ivf)?;
        self.ivf_header(&ivf.coarse, ivf.nprobe, &ivf.direct_map)?;
        match &ivf.lists.codec {
            Codec::Flat { .. } => {}
            Codec::Pq(pq) => {
                self.byte(u8::from(ivf.by_residual))?;
                self.size(pq.code_size())?;
                self.product_quantiser(pq)?;
            }
            Codec::RaBitQ(signs) => {
                self.rabitq(signs)?;
                self.size(signs.code_size())?;
                self.byte(u8::from(ivf.by_residual))?;
                self.byte(signs.qb)?;
            }
            Codec::Sq(sq) => {
                self.scalar_quantiser(sq)?;
                self.size(sq.code_size())?;
                self.byte(u8::from(ivf.by_residual))?;
            }
        }
        self.array_lists(ivf.lists.codec.code_size(), &ivf.lists.lists)
    }

    pub fn ivf_header(&mut self, coarse: &Coarse, nprobe: u64, direct_map: &DirectMap) -> io::Result<()> {
        self.size(coarse.nlist)?;
        self.out.write_all(&nprobe.to_le_bytes())?;
        self.coarse(coarse)?;
        self.direct_map(direct_map)
    }

    pub fn ivf_fast_scan(&mut self, index: &IvfFastScan) -> io::Result<()> {
        self.out.write_all(&IVF_FAST_SCAN)?;
        self.header_of(index)?;
        self.ivf_header(&index.coarse, index.nprobe, &index.direct_map)?;
        let BlockLists { pq, lists, variant, .. } = &index.lists;
        FastScanFields::new(pq.m, index.by_residual, *variant).write(self.out)?;
        [pq.d, pq.m, FastScanPq::NBITS].into_iter().try_for_each(|size| self.size(size))?;
        self.floats(&pq.centroids)?;
        write_lists(self.out, lists, pq.m)
    }

    fn direct_map(&mut self, map: &DirectMap) -> io::Result<()> {
        match map {
            DirectMap::None => {
                self.byte(MAP_NONE)?;
                self.size(0)
            }
            DirectMap::Array(places) => {
                self.byte(MAP_ARRAY)?;
                self.size(places.len())?;
                self.i64s(places.iter().copied())
            }
            DirectMap::Hashtable(pairs) => {
                self.byte(MAP_HASHTABLE)?;
                self.size(0)?;
                self.size(pairs.len())?;
                self.i64s(pairs.iter().flat_map(|&(id, place)| [id, place]))
            }
        }
    }

    pub fn array_lists(&mut self, code_size: usize, lists: &[ArrayList]) -> io::Result<()> {
        self.out.write_all(&ARRAY_LISTS)?;
        self.size(lists.len())?;
        self.size(code_size)?;
        self.list_sizes(lists)?;
        for list in lists {
            self.out.write_all(&list.codes)?;
            self.out.write_all(list.ids.bytes())?;
        }
        Ok(())
    }

    /// Writes all sizes if more than half of the lists are non-empty, else (list, size) pairs of the
    /// non-empty ones.
    fn list_sizes(&mut self, lists: &[ArrayList]) -> io::Result<()> {
        let sizes: Vec<usize> = lists.iter().map(|list| list.ids.len()).collect();
        let filled = sizes.iter().filter(|&&size| size > 0).count();
        if filled > sizes.len() / 2 {
            self.out.write_all(&FULL_SIZES)?;
            self.size(sizes.len())?;
            sizes.iter().try_for_each(|&size| self.size(size))
        } else {
            self.out.write_all(&SPARSE_SIZES)?;
            self.size(2 * filled)?;
            let pairs = sizes.iter().enumerate().filter(|&(_, &size)| size > 0);
            pairs.flat_map(|(list, &size)| [list, size]).try_for_each(|value| self.size(value))
        }
    }
}
