//! Quantisers of codes, and the indexes that are nothing else.

use super::*;
use crate::exhaustive::PolysemousFields;
use crate::pq::{self, ProductQuantizer};

impl Reader<'_, '_> {
    pub fn exhaustive_pq(&mut self) -> Result<Exhaustive> {
        let header = self.header()?;
        let pq = self.product_quantizer(header.d)?;
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

    pub fn product_quantizer(&mut self, d: usize) -> Result<ProductQuantizer> {
        expect("d of the product quantiser", d, self.source.size("d of the product quantiser")?)?;
        let m = self.source.size("m of the product quantiser")?;
        if m == 0 || !d.is_multiple_of(m) {
            return Err(Error::field("m of the product quantiser", format!("a divisor of {d}"), m));
        }
        let nbits = self.source.size("nbits of the product quantiser")?;
        if !pq::NBITS.contains(&nbits) {
            return Err(Error::field("nbits of the product quantiser", "4 to 12", nbits));
        }
        let floats = product("codeword count", d, 1 << nbits)?;
        let centroids = self.finite_floats("codeword count", "codewords", floats, d / m)?;
        ProductQuantizer::new(d, m, nbits, centroids, self.device)
    }
}
