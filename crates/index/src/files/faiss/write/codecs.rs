//! Writing of product and scalar quantisers and of the indexes without an inverted file that use them.

use super::*;
use crate::quantise::{pq::ProductQuantiser, rabitq::RaBitQuantiser, scalar_quantiser::ScalarQuantiser};

impl Writer<'_> {
    pub fn exhaustive_pq(&mut self, index: &Exhaustive, pq: &ProductQuantiser) -> io::Result<()> {
        self.out.write_all(&EXHAUSTIVE_PQ)?;
        self.header_of(index)?;
        self.product_quantiser(pq)?;
        self.bytes(&index.codes)?;
        self.i32(index.polysemous.search_type)?;
        self.byte(u8::from(index.polysemous.encode_signs))?;
        self.i32(index.polysemous.threshold)
    }

    pub fn exhaustive_sq(&mut self, index: &Exhaustive, sq: &ScalarQuantiser) -> io::Result<()> {
        self.out.write_all(&EXHAUSTIVE_SQ)?;
        self.header_of(index)?;
        self.scalar_quantiser(sq)?;
        self.bytes(&index.codes)
    }

    pub fn scalar_quantiser(&mut self, sq: &ScalarQuantiser) -> io::Result<()> {
        self.i32(sq.kind.qtype())?;
        self.i32(sq.rangestat)?;
        self.f32(sq.rangestat_arg)?;
        self.size(sq.d)?;
        self.size(sq.code_size())?;
        self.floats(&sq.trained)
    }

    pub fn exhaustive_rabitq(&mut self, index: &Exhaustive, signs: &RaBitQuantiser) -> io::Result<()> {
        self.out.write_all(&EXHAUSTIVE_RABITQ)?;
        self.header_of(index)?;
        self.rabitq(signs)?;
        self.bytes(&index.codes)?;
        self.floats(&signs.centre)?;
        self.byte(signs.qb)
    }

    pub fn rabitq(&mut self, signs: &RaBitQuantiser) -> io::Result<()> {
        self.size(signs.d)?;
        self.size(signs.code_size())?;
        self.metric(signs.metric)
    }

    pub fn product_quantiser(&mut self, pq: &ProductQuantiser) -> io::Result<()> {
        [pq.d, pq.m, pq.nbits].into_iter().try_for_each(|size| self.size(size))?;
        self.floats(&pq.centroids())
    }
}
