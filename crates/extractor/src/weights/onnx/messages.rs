//! The messages of an ONNX file that hold its weights and name them, as `onnx.proto` numbers their fields.
//!
//! All other fields are skipped; messages that may contain themselves are among them, so nothing recurses.

use super::wire_format::{Fields, Value, varint};

/// Largest number of nodes, constants, attributes, names and dimensions of a file, all together: models have some
/// thousands.
const MAX_ITEMS: usize = 1 << 20;

/// A computation graph.
#[derive(Debug, Default)]
pub struct GraphProto<'a> {
    /// Field 1: the operations.
    pub nodes: Vec<NodeProto<'a>>,
    /// Field 5: the constants.
    pub initializers: Vec<TensorProto<'a>>,
}

/// An operation of the graph.
#[derive(Debug, Default)]
pub struct NodeProto<'a> {
    /// Field 1: names of the values that it takes.
    pub inputs: Vec<&'a str>,
    /// Field 2: names of the values that it computes.
    pub outputs: Vec<&'a str>,
    /// Field 3.
    pub name: &'a str,
    /// Field 4: name of the operator.
    pub op_type: &'a str,
    /// Field 5.
    pub attributes: Vec<AttributeProto<'a>>,
}

/// A setting of an operation.
#[derive(Debug, Default)]
pub struct AttributeProto<'a> {
    /// Field 1.
    pub name: &'a str,
    /// Field 3: its value, if that is an integer.
    pub i: i64,
}

/// A constant.
#[derive(Debug, Default)]
pub struct TensorProto<'a> {
    /// Field 1: lengths of the axes.
    pub dims: Vec<i64>,
    /// Field 2: code of the element type.
    pub data_type: i32,
    /// Field 4: values of float32.
    pub float_data: Vec<f32>,
    /// Field 5: values of integers of up to 32 bits.
    pub int32_data: Vec<i32>,
    /// Field 8.
    pub name: &'a str,
    /// Field 9: values of any type as little-endian bytes.
    pub raw_data: &'a [u8],
    /// Field 14: code of the place of the values.
    pub data_location: i32,
}

/// The graph of a file, whose top-level message is `ModelProto`.
///
/// # Errors
/// The place at which the bytes are no such message.
pub fn graph(bytes: &[u8]) -> Result<GraphProto<'_>, String> {
    let mut parser = Parser { items_left: MAX_ITEMS };
    let mut graph = GraphProto::default();
    for field in Fields::of(bytes) {
        if let (7, Value::Bytes(message)) = field? {
            parser.graph(message, &mut graph)?;
        }
    }
    Ok(graph)
}

/// Reads messages and counts what they hold.
struct Parser {
    items_left: usize,
}

impl Parser {
    fn graph<'a>(&mut self, message: &'a [u8], graph: &mut GraphProto<'a>) -> Result<(), String> {
        for field in Fields::of(message) {
            match field? {
                (1, Value::Bytes(node)) => {
                    let node = self.node(node)?;
                    self.push(&mut graph.nodes, node)?;
                }
                (5, Value::Bytes(tensor)) => {
                    let tensor = self.tensor(tensor)?;
                    self.push(&mut graph.initializers, tensor)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn node<'a>(&mut self, message: &'a [u8]) -> Result<NodeProto<'a>, String> {
        let mut node = NodeProto::default();
        for field in Fields::of(message) {
            match field? {
                (1, Value::Bytes(name)) => self.push(&mut node.inputs, text(name)?)?,
                (2, Value::Bytes(name)) => self.push(&mut node.outputs, text(name)?)?,
                (3, Value::Bytes(name)) => node.name = text(name)?,
                (4, Value::Bytes(name)) => node.op_type = text(name)?,
                (5, Value::Bytes(message)) => self.push(&mut node.attributes, attribute(message)?)?,
                _ => {}
            }
        }
        Ok(node)
    }

    fn tensor<'a>(&mut self, message: &'a [u8]) -> Result<TensorProto<'a>, String> {
        let mut tensor = TensorProto::default();
        for field in Fields::of(message) {
            match field? {
                (1, value) => integers(value, |length| self.push(&mut tensor.dims, length as i64))?,
                (2, Value::Varint(code)) => tensor.data_type = int32(code)?,
                (4, value) => floats(value, &mut tensor.float_data)?,
                (5, value) => integers(value, |number| {
                    tensor.int32_data.push(int32(number)?);
                    Ok(())
                })?,
                (8, Value::Bytes(name)) => tensor.name = text(name)?,
                (9, Value::Bytes(bytes)) => tensor.raw_data = bytes,
                (14, Value::Varint(code)) => tensor.data_location = int32(code)?,
                _ => {}
            }
        }
        Ok(tensor)
    }

    fn push<T>(&mut self, list: &mut Vec<T>, item: T) -> Result<(), String> {
        let left = self.items_left.checked_sub(1);
        self.items_left = left.ok_or_else(|| format!("more than {MAX_ITEMS} nodes, constants and names"))?;
        list.push(item);
        Ok(())
    }
}

fn attribute(message: &[u8]) -> Result<AttributeProto<'_>, String> {
    let mut attribute = AttributeProto::default();
    for field in Fields::of(message) {
        match field? {
            (1, Value::Bytes(name)) => attribute.name = text(name)?,
            (3, Value::Varint(value)) => attribute.i = value as i64,
            _ => {}
        }
    }
    Ok(attribute)
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    str::from_utf8(bytes).map_err(|e| format!("a name is not UTF-8: {e}"))
}

/// A 32-bit integer, which the wire format extends to 64 bits.
fn int32(number: u64) -> Result<i32, String> {
    let number = number as i64;
    i32::try_from(number).map_err(|_| format!("{number} is not a 32-bit integer"))
}

/// Hands the integers of a repeated field to `add`, one or, packed, several.
fn integers(value: Value<'_>, mut add: impl FnMut(u64) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::Varint(number) => add(number),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                add(varint(&mut packed)?)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Adds the float32 values of a repeated field, one or, packed, several.
fn floats(value: Value<'_>, list: &mut Vec<f32>) -> Result<(), String> {
    match value {
        Value::Fixed32(bytes) => list.push(f32::from_le_bytes(bytes)),
        Value::Bytes(packed) => {
            let (words, rest) = packed.as_chunks();
            if !rest.is_empty() {
                return Err(format!("{} bytes of float32, expected a multiple of 4", packed.len()));
            }
            list.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_numbers_are_read_packed_and_one_by_one() {
        let one_by_one = [
            &b"\x08\x02\x08\x03"[..],
            b"\x25\0\0\x80\x3f\x25\0\0\0\x40",
            b"\x28\x05\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ];
        let packed = [
            &b"\x0a\x02\x02\x03"[..],
            b"\x22\x08\0\0\x80\x3f\0\0\0\x40",
            b"\x2a\x0b\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ];
        for fields in [one_by_one, packed] {
            let message = fields.concat();
            let tensor = Parser { items_left: 2 }.tensor(&message).unwrap();
            assert_eq!((tensor.dims, tensor.float_data), (vec![2, 3], vec![1.0, 2.0]));
            assert_eq!(tensor.int32_data, [5, -1]);
        }
        let cut = Parser { items_left: 2 }.tensor(b"\x22\x03\0\0\x80").unwrap_err();
        assert_eq!(cut, "3 bytes of float32, expected a multiple of 4");
    }

    #[test]
    fn graphs_of_a_file_add_up_and_other_fields_are_skipped() {
        let file = b"\x08\x08\x3a\x05\x0a\x03\x1a\x01a\x3a\x08\x0a\x03\x1a\x01b\x12\x01n\x38\x01";
        let graph = graph(file).unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(graph.initializers.is_empty());
        let stored_otherwise = b"\x18\x07\x08\x01\x2d\0\0\0\0";
        assert_eq!(Parser { items_left: 9 }.node(stored_otherwise).unwrap().name, "");
    }

    #[test]
    fn empty_messages_are_counted() {
        let nodes = [0x0a, 0].repeat(MAX_ITEMS + 1);
        let mut file = vec![0x3a];
        file.extend([0x82, 0x80, 0x80, 0x01]);
        file.extend(&nodes);
        assert_eq!(graph(&file).unwrap_err(), "more than 1048576 nodes, constants and names");
        let dims = Parser { items_left: 2 }.tensor(b"\x0a\x03\x01\x01\x01").unwrap_err();
        assert!(dims.starts_with("more than"), "{dims}");
    }

    #[test]
    fn integers_beyond_32_bits_are_refused() {
        let reason = Parser { items_left: 0 }.tensor(b"\x28\xff\xff\xff\xff\x0f").unwrap_err();
        assert_eq!(reason, "4294967295 is not a 32-bit integer");
    }

    #[test]
    fn names_must_be_text() {
        let reason = graph(b"\x3a\x05\x0a\x03\x1a\x01\xff").unwrap_err();
        assert!(reason.starts_with("a name is not UTF-8: "), "{reason}");
    }
}
