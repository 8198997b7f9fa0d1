//! Writing of `LSH` indexes.

use super::*;
use crate::kinds::lsh::Hashed;

impl Writer<'_> {
    pub fn hashed(&mut self, index: &Hashed) -> io::Result<()> {
        let lsh = &index.lsh;
        self.out.write_all(&HASHED)?;
        self.header_of(index)?;
        self.dimension(lsh.nbits)?;
        self.byte(u8::from(lsh.rotation.is_some()))?;
        self.byte(u8::from(lsh.train_thresholds))?;
        self.floats(&lsh.thresholds)?;
        self.dimension(lsh.code_size())?;
        self.out.write_all(&ROTATION)?;
        match &lsh.rotation {
            Some(rotation) => self.linear(rotation)?,
            None => self.no_linear()?,
        }
        self.dimension(lsh.d)?;
        self.dimension(lsh.nbits)?;
        self.byte(u8::from(lsh.rotation.is_some()))?;
        self.bytes(&index.codes)
    }

    /// Writes the fields of an untrained linear map: no bias, no values.
    fn no_linear(&mut self) -> io::Result<()> {
        self.byte(0)?;
        self.floats(&[])?;
        self.floats(&[])
    }
}
