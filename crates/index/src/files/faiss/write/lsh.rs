//! Writing of `LSH` indexes.

use super::*;
use crate::kinds::lsh::Lsh;

impl Writer<'_> {
    pub fn lsh(&mut self, index: &Lsh) -> io::Result<()> {
        let codec = &index.codec;
        self.out.write_all(&LSH)?;
        self.header_of(index)?;
        self.dimension(codec.nbits)?;
        self.byte(u8::from(codec.rotation.is_some()))?;
        self.byte(u8::from(codec.train_thresholds))?;
        self.floats(&codec.thresholds)?;
        self.dimension(codec.code_size())?;
        self.out.write_all(&ROTATION)?;
        match &codec.rotation {
            Some(rotation) => self.linear(rotation)?,
            None => self.no_linear()?,
        }
        self.dimension(codec.d)?;
        self.dimension(codec.nbits)?;
        self.byte(u8::from(codec.rotation.is_some()))?;
        self.bytes(&index.codes)
    }

    /// Writes the fields of an untrained linear map: no bias, no values.
    fn no_linear(&mut self) -> io::Result<()> {
        self.byte(0)?;
        self.floats(&[])?;
        self.floats(&[])
    }
}
