//! Locality-sensitive hashing.

use super::*;
use crate::hashed::Hashed;

impl Writer<'_> {
    pub fn hashed(&mut self, index: &Hashed) -> io::Result<()> {
        let lsh = &index.lsh;
        self.out.write_all(&HASHED)?;
        self.header_of(index)?;
        self.dimension(lsh.nbits)?;
        self.byte(u8::from(lsh.rotate_data))?;
        self.byte(u8::from(lsh.train_thresholds))?;
        self.floats(&lsh.thresholds)?;
        self.dimension(lsh.code_size())?;
        self.out.write_all(&ROTATION)?;
        self.byte(u8::from(lsh.rotation.have_bias))?;
        self.floats(&lsh.rotation.a)?;
        self.floats(&lsh.rotation.b)?;
        self.dimension(lsh.rotation.d_in)?;
        self.dimension(lsh.rotation.d_out)?;
        self.byte(u8::from(lsh.rotate_data))?;
        self.bytes(&index.codes)
    }
}
