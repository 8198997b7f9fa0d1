//! Locality-sensitive hashing.

use super::*;
use crate::hashed::Hashed;
use crate::lsh::{Lsh, Rotation};

impl Reader<'_, '_> {
    pub fn hashed(&mut self) -> Result<Hashed> {
        let header = self.header()?;
        expect("metric_type of LSH", Metric::L2, header.metric)?;
        let nbits = positive("nbits of LSH", self.source.i32("nbits of LSH")?)?;
        let rotate_data = self.source.flag("rotate_data")?;
        let train_thresholds = self.source.flag("train_thresholds")?;
        let thresholds = self.counted_floats("thresholds of LSH")?;
        check_finite("thresholds of LSH", &thresholds, 1)?;
        let code_size = self.source.i32("code_size of LSH")?;
        let rotation = self.rotation_of_lsh(rotate_data)?;
        let lsh = Lsh { d: header.d, nbits, rotate_data, train_thresholds, thresholds, rotation };
        lsh.check()?;
        expect("code_size of LSH", Ok(lsh.code_size()), usize::try_from(code_size))?;
        let bytes = product("code bytes", header.ntotal, lsh.code_size())?;
        expect("code byte count", bytes, self.source.size("code byte count")?)?;
        Ok(Hashed { lsh, codes: self.source.bytes("codes", bytes)? })
    }

    /// A rotation that is empty where LSH does without it.
    fn rotation_of_lsh(&mut self, rotate_data: bool) -> Result<Rotation> {
        let fourcc = self.source.fourcc("rotation fourcc of LSH")?;
        if fourcc != ROTATION {
            return Err(unsupported("rotation fourcc of LSH", fourcc, "rrot"));
        }
        let have_bias = self.source.flag("have_bias")?;
        let a = self.counted_floats("rotation of LSH")?;
        let b = self.counted_floats("bias of the rotation of LSH")?;
        check_finite("rotation of LSH", &a, 1)?;
        check_finite("bias of the rotation of LSH", &b, 1)?;
        let d_in = positive("d_in of the rotation of LSH", self.source.i32("d_in of the rotation of LSH")?)?;
        let d_out =
            positive("d_out of the rotation of LSH", self.source.i32("d_out of the rotation of LSH")?)?;
        expect(
            "is_trained of the rotation of LSH",
            rotate_data,
            self.source.flag("is_trained of the rotation of LSH")?,
        )?;
        Ok(Rotation { d_in, d_out, have_bias, a, b })
    }
}
