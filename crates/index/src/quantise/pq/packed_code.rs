//! Product-quantiser codes packed as in faiss: `m` numbers of `nbits` bits, lowest bits first.

/// Bytes of one code.
pub(crate) fn code_size(m: usize, nbits: usize) -> usize {
    (m * nbits).div_ceil(8)
}

/// Writes the codeword of sub-vector `j` into a code whose bits there are 0.
pub(crate) fn put(code: &mut [u8], j: usize, nbits: usize, codeword: usize) {
    let (byte, shift) = (j * nbits / 8, j * nbits % 8);
    let bits = (codeword as u32) << shift;
    for (byte, value) in code[byte..].iter_mut().zip(bits.to_le_bytes()) {
        *byte |= value;
    }
}

/// Iterator over the codewords of a code. May yield padding bits as further codewords; take `m`.
pub(crate) struct PackedCode<'a> {
    code: &'a [u8],
    nbits: usize,
    j: usize,
}

impl<'a> PackedCode<'a> {
    pub fn new(code: &'a [u8], nbits: usize) -> Self {
        Self { code, nbits, j: 0 }
    }
}

impl Iterator for PackedCode<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let (byte, shift) = (self.j * self.nbits / 8, self.j * self.nbits % 8);
        if (self.j + 1) * self.nbits > self.code.len() * 8 {
            return None;
        }
        self.j += 1;
        let mut bytes = [0; 4];
        bytes.iter_mut().zip(&self.code[byte..]).for_each(|(to, &from)| *to = from);
        Some((u32::from_le_bytes(bytes) >> shift) as usize & ((1 << self.nbits) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_width_round_trip() {
        for nbits in 1..=16 {
            let numbers: Vec<usize> = (0..11).map(|j| (j * 40_503 + 77) % (1 << nbits)).collect();
            let mut code = vec![0; code_size(11, nbits)];
            numbers.iter().enumerate().for_each(|(j, &number)| put(&mut code, j, nbits, number));
            let found: Vec<usize> = PackedCode::new(&code, nbits).take(11).collect();
            assert_eq!(found, numbers, "{nbits} bits");
        }
    }
}
