//! Reading of inverted files.

use super::{
    super::fast_scan::{FastScanFields, read_lists},
    lists::check_total,
    *,
};
use crate::{
    kinds::{
        ivf::{
            InvertedFile, Ivf, IvfFastScan, array_lists::ArrayLists, block_lists::BlockLists,
            direct_map::DirectMap, entry_ids::EntryIds, inverted_lists::InvertedLists,
        },
        pq_residual::PqResidual,
        store::Store,
    },
    quantise::{coarse::Coarse, fast_scan_pq::FastScanPq, rabitq::RaBitQuantiser},
};

/// Header of every inverted file.
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
        let pq = self.product_quantiser(header.coarse.d)?;
        expect("code_size", pq.code_size(), code_size)?;
        self.ivf(header, Codec::Pq(pq), by_residual)
    }

    pub fn ivf_pq_residual(&mut self) -> Result<PqResidual> {
        let ivf = self.ivf_pq()?;
        let (d, ntotal) = (ivf.d(), ivf.ntotal());
        expect("metric_type of an index of two product quantisers", Metric::L2, ivf.metric())?;
        expect("by_residual of an index of two product quantisers", true, ivf.by_residual)?;
        if let Some(id) = ivf.stray_id() {
            let expected = format!("each of the positions 0..{ntotal} once");
            return Err(Error::field("ids of the inverted lists beside finer codes", expected, id));
        }
        let finer = self.product_quantiser(d)?;
        let bytes = product("finer code bytes", ntotal, finer.code_size())?;
        expect("finer code byte count", bytes, self.source.size("finer code byte count")?)?;
        let codes = self.source.bytes("finer codes", bytes)?;
        let k_factor = self.source.f32("k_factor")?;
        if !(1.0..=1e6).contains(&k_factor) {
            return Err(Error::field("k_factor", "1 to 1e6", k_factor));
        }
        Ok(PqResidual::new(ivf, finer, codes, k_factor))
    }

    pub fn ivf_sq(&mut self) -> Result<Ivf> {
        let header = self.ivf_header()?;
        let sq = self.scalar_quantiser(header.coarse.d)?;
        expect("code_size", sq.code_size(), self.source.size("code_size")?)?;
        let by_residual = self.source.flag("by_residual")?;
        self.ivf(header, Codec::Sq(sq), by_residual)
    }

    pub fn ivf_rabitq(&mut self) -> Result<Ivf> {
        let header = self.ivf_header()?;
        let signs = self.rabitq(header.coarse.d, header.coarse.metric)?;
        expect("code_size", signs.code_size(), self.source.size("code_size")?)?;
        expect("by_residual of RaBitQ", true, self.source.flag("by_residual of RaBitQ")?)?;
        let signs = RaBitQuantiser { qb: self.query_bits()?, ..signs };
        self.ivf(header, Codec::RaBitQ(signs), true)
    }

    pub fn ivf_fast_scan(&mut self) -> Result<IvfFastScan> {
        let header = self.ivf_header()?;
        let coarse = &header.coarse;
        let fields = FastScanFields::read(self.source)?;
        let pq = self.product_quantiser(coarse.d)?;
        expect("nbits of the product quantiser", FastScanPq::NBITS, pq.nbits)?;
        fields.check(pq.m)?;
        let lists = read_lists(self.source, coarse.nlist, pq.m)?;
        let pq = FastScanPq::new(coarse.d, pq.m, pq.centroids())?;
        inverted_file(header, fields.by_residual, BlockLists::with_lists(pq, lists, fields.variant))
    }

    /// Reads the lists and assembles the inverted file.
    fn ivf(&mut self, header: IvfHeader, codec: Codec, by_residual: bool) -> Result<Ivf> {
        let (lists, file) = self.array_lists(header.coarse.nlist, codec.code_size())?;
        inverted_file(header, by_residual, ArrayLists::with_lists(codec, lists).of_file(file))
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

/// Assembles an inverted file after checking its lists against the header.
fn inverted_file<L: InvertedLists>(
    header: IvfHeader,
    by_residual: bool,
    lists: L,
) -> Result<InvertedFile<L>> {
    let IvfHeader { ntotal, nprobe, coarse, direct_map } = header;
    let sizes: Vec<usize> = lists.ids().map(EntryIds::len).collect();
    check_total(ntotal, &sizes)?;
    direct_map.check(&sizes)?;
    Ok(InvertedFile { direct_map, nprobe, ..InvertedFile::new(coarse, by_residual, lists) })
}
