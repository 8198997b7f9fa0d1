//! ONNX messages as bytes, for the tests of their reader.

use super::super::messages::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The bytes of a file with one graph.
pub fn file(graph: &GraphProto<'_>) -> Vec<u8> {
    let mut model = Message::default();
    model.number(1, 8);
    model.bytes(7, &graph_bytes(graph));
    model.0
}

fn graph_bytes(graph: &GraphProto<'_>) -> Vec<u8> {
    let mut message = Message::default();
    graph.nodes.iter().for_each(|node| message.bytes(1, &node_bytes(node)));
    graph.initializers.iter().for_each(|tensor| message.bytes(5, &tensor_bytes(tensor)));
    message.0
}

fn node_bytes(node: &NodeProto<'_>) -> Vec<u8> {
    let mut message = Message::default();
    node.inputs.iter().for_each(|name| message.bytes(1, name.as_bytes()));
    node.outputs.iter().for_each(|name| message.bytes(2, name.as_bytes()));
    message.bytes(3, node.name.as_bytes());
    message.bytes(4, node.op_type.as_bytes());
    node.attributes.iter().for_each(|attribute| message.bytes(5, &attribute_bytes(attribute)));
    message.0
}

fn attribute_bytes(attribute: &AttributeProto<'_>) -> Vec<u8> {
    let mut message = Message::default();
    message.bytes(1, attribute.name.as_bytes());
    message.number(3, attribute.i as u64);
    message.0
}

fn tensor_bytes(tensor: &TensorProto<'_>) -> Vec<u8> {
    let mut message = Message::default();
    message.packed(1, tensor.dims.iter().map(|&n| n as u64));
    message.number(2, tensor.data_type as u64);
    let floats: Vec<u8> = tensor.float_data.iter().flat_map(|v| v.to_le_bytes()).collect();
    message.bytes(4, &floats);
    message.packed(5, tensor.int32_data.iter().map(|&n| n as u64));
    message.bytes(8, tensor.name.as_bytes());
    message.bytes(9, tensor.raw_data);
    message.number(14, tensor.data_location as u64);
    message.0
}

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn number(&mut self, field: u64, number: u64) {
        self.varint(field << 3);
        self.varint(number);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn packed(&mut self, field: u64, numbers: impl Iterator<Item = u64>) {
        let mut packed = Self::default();
        numbers.for_each(|number| packed.varint(number));
        self.bytes(field, &packed.0);
    }
}
