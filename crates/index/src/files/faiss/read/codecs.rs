//! Reading of product and scalar quantisers and of the indexes without an inverted file that use them.

use super::*;
use crate::{
    factory::{NBITS, ScalarType},
    kinds::exhaustive::PolysemousFields,
    quantise::{
        pq::ProductQuantiser,
        rabitq::{MAX_QB, RaBitQuantiser},
        scalar_quantiser::{ScalarQuantiser, code_size},
    },
};

impl Reader<'_, '_> {
    pub fn exhaustive_pq(&mut self) -> Result<Exhaustive> {
        let header = self.header()?;
        let pq = self.product_quantiser(header.d)?;
        let bytes = product("code bytes", header.ntotal, pq.code_size())?;
        expect("code byte count", bytes, self.source.size("code byte count")?)?;
        let codes = self.source.bytes("codes", bytes)?;
        let polysemous = PolysemousFields {
            search_type: self.source.i32("search_type")?,
            encode_signs: self.source.flag("encode_signs")?,
            threshold: self.source.i32("polysemous_ht")?,
        };
        Ok(Exhaustive { codes, polysemous, ..Exhaustive::new(header.metric, Codec::Pq(pq)) })
    }

    pub fn exhaustive_sq(&mut self) -> Result<Exhaustive> {
        let header = self.header()?;
        let sq = self.scalar_quantiser(header.d)?;
        let bytes = product("code bytes", header.ntotal, sq.code_size())?;
        expect("code byte count", bytes, self.source.size("code byte count")?)?;
        let codes = self.source.bytes("codes", bytes)?;
        Ok(Exhaustive { codes, ..Exhaustive::new(header.metric, Codec::Sq(sq)) })
    }

    pub fn scalar_quantiser(&mut self, d: usize) -> Result<ScalarQuantiser> {
        let kind = self.scalar_type()?;
        let rangestat = self.source.i32("rangestat")?;
        let rangestat_arg = self.source.f32("rangestat_arg")?;
        expect("d of the scalar quantiser", d, self.source.size("d of the scalar quantiser")?)?;
        expect(
            "code_size of the scalar quantiser",
            code_size(kind, d),
            self.source.size("code_size of the scalar quantiser")?,
        )?;
        let trained = self.finite_floats("count of ranges", "ranges", 2 * kind.ranges(d), d)?;
        let sq = ScalarQuantiser { kind, d, rangestat, rangestat_arg, trained };
        sq.check()?;
        Ok(sq)
    }

    fn scalar_type(&mut self) -> Result<ScalarType> {
        let qtype = self.source.i32("qtype of the scalar quantiser")?;
        let expected =
            "0 to 8 (SQ8, SQ4, their uniform types, SQfp16, SQ8_direct, SQ6, SQbf16, SQ8_direct_signed)";
        ScalarType::of_qtype(qtype)
            .ok_or_else(|| Error::field("qtype of the scalar quantiser", expected, qtype))
    }

    pub fn exhaustive_rabitq(&mut self) -> Result<Exhaustive> {
        let header = self.header()?;
        let signs = self.rabitq(header.d, header.metric)?;
        let bytes = product("code bytes", header.ntotal, signs.code_size())?;
        expect("code byte count", bytes, self.source.size("code byte count")?)?;
        let codes = self.source.bytes("codes", bytes)?;
        let centre = self.finite_floats("count of the centre", "centre", header.d, header.d)?;
        let signs = RaBitQuantiser { centre, qb: self.query_bits()?, ..signs };
        Ok(Exhaustive { codes, ..Exhaustive::new(header.metric, Codec::RaBitQ(signs)) })
    }

    /// Reads the fields that are common to both kinds of RaBitQ.
    pub fn rabitq(&mut self, d: usize, metric: Metric) -> Result<RaBitQuantiser> {
        let signs = RaBitQuantiser::of_cells(metric, d);
        expect("d of RaBitQ", d, self.source.size("d of RaBitQ")?)?;
        expect("code_size of RaBitQ", signs.code_size(), self.source.size("code_size of RaBitQ")?)?;
        expect("metric_type of RaBitQ", metric, self.metric("metric_type of RaBitQ")?)?;
        Ok(signs)
    }

    /// Reads the bits of the components of a query.
    pub fn query_bits(&mut self) -> Result<u8> {
        let qb = self.source.byte("qb of RaBitQ")?;
        if qb > MAX_QB { Err(Error::field("qb of RaBitQ", format!("0 to {MAX_QB}"), qb)) } else { Ok(qb) }
    }

    pub fn product_quantiser(&mut self, d: usize) -> Result<ProductQuantiser> {
        expect("d of the product quantiser", d, self.source.size("d of the product quantiser")?)?;
        let m = self.source.size("m of the product quantiser")?;
        if m == 0 || !d.is_multiple_of(m) {
            return Err(Error::field("m of the product quantiser", format!("a divisor of {d}"), m));
        }
        let nbits = self.source.size("nbits of the product quantiser")?;
        if !NBITS.contains(&nbits) {
            return Err(Error::field("nbits of the product quantiser", "4 to 12", nbits));
        }
        let floats = product("codeword count", d, 1 << nbits)?;
        let centroids = self.finite_floats("codeword count", "codewords", floats, d / m)?;
        ProductQuantiser::new(d, m, nbits, centroids, self.device)
    }
}
