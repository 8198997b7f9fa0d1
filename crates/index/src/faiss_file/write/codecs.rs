//! Quantisers of codes, and the indexes that are nothing else.

use super::*;
use crate::pq::ProductQuantizer;

impl Writer<'_> {
    pub fn exhaustive_pq(&mut self, index: &Exhaustive, pq: &ProductQuantizer) -> io::Result<()> {
        self.out.write_all(&EXHAUSTIVE_PQ)?;
        self.header_of(index)?;
        self.product_quantizer(pq)?;
        self.bytes(&index.codes)?;
        self.i32(index.polysemous.search_type)?;
        self.byte(u8::from(index.polysemous.encode_signs))?;
        self.i32(index.polysemous.threshold)
    }

    pub fn product_quantizer(&mut self, pq: &ProductQuantizer) -> io::Result<()> {
        [pq.d, pq.m, pq.nbits].into_iter().try_for_each(|size| self.size(size))?;
        self.floats(&pq.centroids)
    }
}
