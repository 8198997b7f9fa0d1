//! Protocol Buffers' wire format: the fields of a message, borrowed from its bytes.
//!
//! See <https://protobuf.dev/programming-guides/encoding>. The format is read here rather than by a crate because five
//! messages of ONNX are needed, and files are not trusted. `prost` would bring two more crates, copy every weight, and
//! turn a file of empty messages, two bytes each, into structures sixty times its size.

/// A field of a message: its number and its value.
pub type Field<'a> = (u32, Value<'a>);

/// Value of a field, by its storage on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers, enumerations and booleans.
    Varint(u64),
    /// 8 bytes, little-endian.
    Fixed64([u8; 8]),
    /// Strings, bytes, messages and packed numbers.
    Bytes(&'a [u8]),
    /// 4 bytes, little-endian.
    Fixed32([u8; 4]),
}

/// The fields of a message in the order of the file; none follow an error.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of `message`.
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<Field<'a>, String> {
        let tag = varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or_else(|| format!("field number {}", tag >> 3))?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => Value::Fixed64(array(&mut self.rest)?),
            2 => {
                let length = varint(&mut self.rest)?;
                Value::Bytes(split_off(&mut self.rest, length)?)
            }
            5 => Value::Fixed32(array(&mut self.rest)?),
            kind => return Err(format!("field {number} is of wire type {kind}")),
        };
        Ok((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Reads a number of 7 bits a byte, the lowest first; the highest bit of a byte marks that another one follows.
pub fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = array(bytes)?;
        if shift == 63 && byte > 1 {
            break;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number of more than 64 bits".to_owned())
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], String> {
    let (array, rest) = bytes.split_first_chunk().ok_or_else(|| missing(N as u64, bytes.len()))?;
    *bytes = rest;
    Ok(*array)
}

fn split_off<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let cut = usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
    let (taken, rest) = cut.ok_or_else(|| missing(length, bytes.len()))?;
    *bytes = rest;
    Ok(taken)
}

fn missing(expected: u64, found: usize) -> String {
    format!("{found} bytes are left of a field, expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<Field<'_>>, String> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn every_kind_of_field_is_read() {
        let bytes = b"\x08\x96\x01\x12\x02ab\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08\x12\x00";
        let expected = [
            (1, Value::Varint(150)),
            (2, Value::Bytes(b"ab")),
            (3, Value::Fixed32([1, 2, 3, 4])),
            (4, Value::Fixed64([1, 2, 3, 4, 5, 6, 7, 8])),
            (2, Value::Bytes(b"")),
        ];
        assert_eq!(fields(bytes).unwrap(), expected);
        let negative = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(fields(negative).unwrap(), [(1, Value::Varint(-1_i64 as u64))]);
    }

    #[test]
    fn malformed_fields_are_refused_once() {
        for (bytes, reason) in [
            (&b"\x12\x03ab"[..], "2 bytes are left of a field, expected 3"),
            (
                b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01ab",
                "2 bytes are left of a field, expected 18446744073709551615",
            ),
            (b"\x1d\x01\x02", "2 bytes are left of a field, expected 4"),
            (b"\x08\x96", "0 bytes are left of a field, expected 1"),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a number of more than 64 bits"),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "a number of more than 64 bits"),
            (b"\x0b\x0c", "field 1 is of wire type 3"),
            (b"\x02\x00", "field number 0"),
        ] {
            let mut read = Fields::of(bytes);
            assert_eq!(read.next().unwrap().unwrap_err(), reason);
            assert!(read.next().is_none());
        }
    }
}
