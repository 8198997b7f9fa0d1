//! Reading of `LSH` indexes.

use super::*;
use crate::{
    kinds::lsh::{Lsh, sign_codec::SignCodec},
    quantise::transform::Linear,
};

impl Reader<'_, '_> {
    pub fn lsh(&mut self) -> Result<Lsh> {
        let header = self.header()?;
        expect("metric_type of LSH", Metric::L2, header.metric)?;
        let nbits = positive("nbits of LSH", self.source.i32("nbits of LSH")?)?;
        let rotate_data = self.source.flag("rotate_data")?;
        let train_thresholds = self.source.flag("train_thresholds")?;
        let thresholds = self.counted_floats("thresholds of LSH")?;
        check_finite("thresholds of LSH", &thresholds, 1)?;
        let code_size = self.source.i32("code_size of LSH")?;
        let rotation = self.rotation_of_lsh(header.d, nbits, rotate_data)?;
        let codec = SignCodec { d: header.d, nbits, train_thresholds, thresholds, rotation };
        codec.check()?;
        expect("code_size of LSH", Ok(codec.code_size()), usize::try_from(code_size))?;
        let bytes = product("code bytes", header.ntotal, codec.code_size())?;
        expect("code byte count", bytes, self.source.size("code byte count")?)?;
        Ok(Lsh { codec, codes: self.source.bytes("codes", bytes)? })
    }

    /// Reads the map from `d` dimensions to `nbits`; without `rotate_data` the file contains an empty one.
    fn rotation_of_lsh(&mut self, d: usize, nbits: usize, rotate_data: bool) -> Result<Option<Linear>> {
        let fourcc = self.source.fourcc("rotation fourcc of LSH")?;
        if fourcc != ROTATION {
            return Err(unsupported("rotation fourcc of LSH", fourcc, "rrot"));
        }
        if rotate_data {
            let rotation = self.linear(d)?;
            expect("d_out of the rotation of LSH", nbits, rotation.d_out())?;
            return Ok(Some(rotation));
        }
        expect("have_bias of the rotation of LSH", false, self.source.flag("have_bias")?)?;
        for field in ["rotation of LSH", "bias of the rotation of LSH"] {
            expect(field, 0, self.source.size(field)?)?;
        }
        for (field, size) in [("d_in of the rotation of LSH", d), ("d_out of the rotation of LSH", nbits)] {
            expect(field, size, positive(field, self.source.i32(field)?)?)?;
        }
        expect(
            "is_trained of the rotation of LSH",
            false,
            self.source.flag("is_trained of the rotation of LSH")?,
        )?;
        Ok(None)
    }
}
