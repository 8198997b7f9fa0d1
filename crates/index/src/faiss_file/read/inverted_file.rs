//! Inverted files before their lists.

use super::lists::check_total;
use super::*;
use crate::bytes::bytes_to_floats;
use crate::coarse::Coarse;
use crate::direct_map::DirectMap;
use crate::inverted_lists::InvertedLists;
use crate::ivf::Ivf;

/// What every inverted file begins with.
pub struct IvfHeader {
    pub ntotal: usize,
    pub nprobe: u64,
    pub coarse: Coarse,
    pub direct_map: DirectMap,
}

impl Reader<'_, '_> {
    pub fn ivf_flat(&mut self) -> Result<Ivf> {
        let header = self.ivf_header()?;
        let codec = Codec::Flat { d: header.coarse.d };
        self.ivf(header, codec, false)
    }

    pub fn ivf_pq(&mut self) -> Result<Ivf> {
        let header = self.ivf_header()?;
        let by_residual = self.source.flag("by_residual")?;
        let code_size = self.source.size("code_size")?;
        let pq = self.product_quantizer(header.coarse.d)?;
        expect("code_size", pq.code_size(), code_size)?;
        self.ivf(header, Codec::Pq(pq), by_residual)
    }

    /// Reads the lists, which end every inverted file.
    pub fn ivf(&mut self, header: IvfHeader, codec: Codec, by_residual: bool) -> Result<Ivf> {
        let IvfHeader { ntotal, nprobe, coarse, direct_map } = header;
        let lists = self.array_lists(coarse.nlist, codec.code_size())?;
        check_total(ntotal, lists.iter().map(|list| list.len()))?;
        let lists = InvertedLists { code_size: codec.code_size(), lists };
        direct_map.check(&lists)?;
        let mut ivf = Ivf::with_lists(coarse, codec, by_residual, lists);
        (ivf.direct_map, ivf.nprobe) = (direct_map, nprobe);
        Ok(ivf)
    }

    pub fn ivf_header(&mut self) -> Result<IvfHeader> {
        let header = self.header()?;
        let nlist = positive("nlist", self.source.u64("nlist")?)?;
        let nprobe = self.source.u64("nprobe")?;
        positive("nprobe", nprobe)?;
        let coarse = self.coarse(&header, nlist)?;
        let direct_map = self.direct_map()?;
        Ok(IvfHeader { ntotal: header.ntotal, nprobe, coarse, direct_map })
    }

    fn coarse(&mut self, header: &Header, nlist: usize) -> Result<Coarse> {
        let fourcc = self.source.fourcc("coarse quantiser fourcc")?;
        if fourcc != FLAT_L2 && fourcc != FLAT_IP {
            return Err(unsupported("coarse quantiser fourcc", fourcc, "IxF2, IxFI"));
        }
        let flat = self.flat(fourcc)?;
        expect("d of the coarse quantiser", header.d, flat.d())?;
        expect("metric_type of the coarse quantiser", header.metric, flat.metric)?;
        expect("ntotal of the coarse quantiser", nlist, flat.ntotal())?;
        let centroids: Vec<f32> = bytes_to_floats(&flat.codes).collect();
        check_finite("coarse centroids", &centroids, header.d)?;
        Coarse::new(header.metric, centroids, header.d, self.device)
    }

    fn direct_map(&mut self) -> Result<DirectMap> {
        let kind = self.source.byte("direct map type")?;
        let count = self.source.size("direct map array count")?;
        let places = self.source.i64s("direct map array", count)?;
        match kind {
            MAP_ARRAY => return Ok(DirectMap::Array(places)),
            MAP_NONE | MAP_HASHTABLE => expect("direct map array count", 0, count)?,
            found => return Err(Error::field("direct map type", "0, 1 or 2", found)),
        }
        if kind == MAP_NONE {
            return Ok(DirectMap::None);
        }
        let count = product("direct map pair count", self.source.size("direct map pair count")?, 2)?;
        let pairs = self.source.i64s("direct map pairs", count)?;
        Ok(DirectMap::Hashtable(pairs.as_chunks().0.iter().map(|&[id, place]| (id, place)).collect()))
    }
}
