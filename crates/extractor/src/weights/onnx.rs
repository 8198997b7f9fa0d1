//! Reads the network of an ONNX file as float32 tensors.
//!
//! The published int8 file is a graph of quantise/dequantise pairs. Weights and biases are dequantised,
//! `(q - zero_point) * scale` per output channel; the quantisation of activations is left out, and with it
//! the ReLUs it had absorbed: the network built from these tensors applies its own.

use std::{collections::HashMap, fs, path::Path};

use onnx_ir::{GraphProto, Message, ModelProto, NodeProto, TensorProto};

use super::{Array, Checkpoint};
use crate::{Error, Result};

/// Larger files are not read: the largest published extractor is a third of it.
const MAX_BYTES: u64 = 1 << 30;

/// ONNX's codes for the element types that are read.
mod dtype {
    pub const FLOAT: i32 = 1;
    pub const UINT8: i32 = 2;
    pub const INT8: i32 = 3;
    pub const INT32: i32 = 6;
}

impl Checkpoint {
    /// Reads an ONNX file of SSCD's ResNet-50, with float32 or int8 weights.
    ///
    /// # Errors
    /// If the file cannot be read, is no ONNX file, or has convolutions of unknown names or element types.
    pub fn read_onnx(path: &Path) -> Result<Self> {
        let bytes = fs::metadata(path).map_err(Error::io(path))?.len();
        if bytes > MAX_BYTES {
            return Err(Error::weights(path)(format!("{bytes} bytes, expected at most {MAX_BYTES}")));
        }
        let bytes = fs::read(path).map_err(Error::io(path))?;
        Self::parse_onnx(&bytes).map_err(Error::weights(path))
    }

    fn parse_onnx(bytes: &[u8]) -> Result<Self, String> {
        let model = ModelProto::parse_from_bytes(bytes).map_err(|e| format!("not an ONNX file: {e}"))?;
        let graph = Graph::new(&model.graph);
        let mut checkpoint = Self::default();
        for node in &model.graph.node {
            let Some(name) = tensor_name(node)? else { continue };
            checkpoint.insert(format!("{name}.weight"), graph.input(node, 1)?);
            checkpoint.insert(format!("{name}.bias"), graph.input(node, 2)?);
        }
        Ok(checkpoint)
    }
}

/// Our name for the weights of a node, `None` where it has none.
///
/// The graph's convolutions are not in block order, hence by node name:
/// `/backbone/blocks/1/block1-0/convolutional_block/3/Conv` is `layer2.0.conv2`.
fn tensor_name(node: &NodeProto) -> Result<Option<String>, String> {
    match node.op_type.as_str() {
        "Gemm" => return Ok(Some("fc".to_owned())),
        "Conv" => {}
        _ => return Ok(None),
    }
    conv_name(&node.name).map(Some).ok_or_else(|| format!("unexpected convolution `{}`", node.name))
}

fn conv_name(node: &str) -> Option<String> {
    if node.contains("initial_block") {
        return Some("conv1".to_owned());
    }
    let mut parts = node.strip_prefix("/backbone/blocks/")?.split('/');
    let stage: usize = parts.next()?.parse().ok()?;
    let (_, block) = parts.next()?.split_once('-')?;
    let conv = match (parts.next()?, parts.next()?) {
        ("downsample", "0") => "downsample",
        ("convolutional_block", "0") => "conv1",
        ("convolutional_block", "3") => "conv2",
        ("convolutional_block", "6") => "conv3",
        _ => return None,
    };
    Some(format!("layer{}.{block}.{conv}", stage.checked_add(1)?))
}

/// A graph's constants and the nodes that produce its values, by name.
struct Graph<'a> {
    constants: HashMap<&'a str, &'a TensorProto>,
    producers: HashMap<&'a str, &'a NodeProto>,
}

impl<'a> Graph<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |name| (name.as_str(), node));
        Self {
            constants: graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect(),
            producers: graph.node.iter().flat_map(outputs).collect(),
        }
    }

    /// Input number `position` of `node`: a float constant, or a dequantised integer one.
    fn input(&self, node: &NodeProto, position: usize) -> Result<Array, String> {
        let name =
            node.input.get(position).ok_or_else(|| format!("`{}` has no input {position}", node.name))?;
        if self.constants.contains_key(name.as_str()) {
            return self.constant(name);
        }
        match self.producers.get(name.as_str()) {
            Some(producer) if producer.op_type == "DequantizeLinear" => self.dequantise(producer),
            _ => Err(format!("`{name}` is no constant")),
        }
    }

    fn constant(&self, name: &str) -> Result<Array, String> {
        let tensor = self.constants.get(name).ok_or_else(|| format!("no constant `{name}`"))?;
        read_tensor(tensor).map_err(|reason| format!("constant `{name}`: {reason}"))
    }

    fn dequantise(&self, node: &NodeProto) -> Result<Array, String> {
        let [quantised, scale, rest @ ..] = node.input.as_slice() else {
            return Err(format!("`{}` has {} inputs, expected 2 or 3", node.name, node.input.len()));
        };
        let mut array = self.constant(quantised)?;
        let scale = self.constant(scale)?.values;
        let zero_point = match rest.first() {
            Some(name) => self.constant(name)?.values,
            None => vec![0.0; scale.len()],
        };
        apply_scale(&mut array, &scale, &zero_point)
            .map_err(|reason| format!("`{}`: {reason}", node.name))?;
        Ok(array)
    }
}

/// `(q - zero_point) * scale`, per tensor or per output channel (axis 0).
fn apply_scale(array: &mut Array, scale: &[f32], zero_point: &[f32]) -> Result<(), String> {
    let channels = if scale.len() == 1 { 1 } else { array.shape.first().copied().unwrap_or(1) };
    if scale.len() != channels || zero_point.len() != channels || channels == 0 {
        return Err(format!(
            "{} scales and {} zero points for {channels} channels",
            scale.len(),
            zero_point.len()
        ));
    }
    let per_channel = (array.values.len() / channels).max(1);
    for (channel, values) in array.values.chunks_exact_mut(per_channel).enumerate() {
        values.iter_mut().for_each(|q| *q = (*q - zero_point[channel]) * scale[channel]);
    }
    Ok(())
}

/// The values of a tensor as float32: exact for 8-bit integers, rounded for large 32-bit ones.
fn read_tensor(tensor: &TensorProto) -> Result<Array, String> {
    let shape = tensor.dims.iter().map(|&n| usize::try_from(n)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| format!("negative dimension in {:?}", tensor.dims))?;
    let values = read_values(tensor)?;
    let expected = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if expected != Some(values.len()) {
        return Err(format!("{} values for shape {shape:?}", values.len()));
    }
    Ok(Array { shape, values })
}

fn read_values(tensor: &TensorProto) -> Result<Vec<f32>, String> {
    let raw = &tensor.raw_data;
    let typed_integers = || tensor.int32_data.iter().map(|&v| v as f32).collect();
    Ok(match (tensor.data_type, raw.is_empty()) {
        (dtype::FLOAT, true) => tensor.float_data.clone(),
        (dtype::FLOAT, false) => words(raw)?.map(f32::from_le_bytes).collect(),
        (dtype::INT8 | dtype::UINT8 | dtype::INT32, true) => typed_integers(),
        (dtype::INT8, false) => raw.iter().map(|&b| f32::from(b as i8)).collect(),
        (dtype::UINT8, false) => raw.iter().map(|&b| f32::from(b)).collect(),
        (dtype::INT32, false) => words(raw)?.map(|w| i32::from_le_bytes(w) as f32).collect(),
        (other, _) => return Err(format!("element type {other} is not supported")),
    })
}

fn words(raw: &[u8]) -> Result<impl Iterator<Item = [u8; 4]> + '_, String> {
    let (words, rest) = raw.as_chunks::<4>();
    if rest.is_empty() {
        Ok(words.iter().copied())
    } else {
        Err(format!("{} bytes, expected a multiple of 4", raw.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, data_type: i32, dims: &[i64], int32_data: &[i32]) -> TensorProto {
        let mut tensor = TensorProto::new();
        tensor.name = name.to_owned();
        tensor.data_type = data_type;
        tensor.dims = dims.to_vec();
        tensor.int32_data = int32_data.to_vec();
        tensor
    }

    fn floats(name: &str, values: &[f32]) -> TensorProto {
        let mut floats = tensor(name, dtype::FLOAT, &[values.len() as i64], &[]);
        floats.float_data = values.to_vec();
        floats
    }

    fn node(op: &str, name: &str, inputs: &[&str], output: &str) -> NodeProto {
        let mut node = NodeProto::new();
        node.op_type = op.to_owned();
        node.name = name.to_owned();
        node.input = inputs.iter().map(|&i| i.to_owned()).collect();
        node.output = vec![output.to_owned()];
        node
    }

    /// One quantised convolution of 2 output channels, with a float bias.
    fn quantised_model() -> ModelProto {
        let mut model = ModelProto::new();
        let graph = model.graph.mut_or_insert_default();
        graph.initializer = vec![
            tensor("q", dtype::INT8, &[2, 1, 1, 2], &[-128, 127, 3, 4]),
            floats("scale", &[0.5, 2.0]),
            tensor("zero", dtype::INT8, &[2], &[0, 1]),
            floats("bias", &[7.0, 8.0]),
        ];
        graph.node = vec![
            node("Conv", "/backbone/blocks/2/block2-5/convolutional_block/3/Conv", &["x", "w", "bias"], "y"),
            node("DequantizeLinear", "dq", &["q", "scale", "zero"], "w"),
        ];
        model
    }

    fn parse(model: &ModelProto) -> Result<Checkpoint, String> {
        Checkpoint::parse_onnx(&model.write_to_bytes().unwrap())
    }

    #[test]
    fn dequantises_per_output_channel_under_our_names() {
        let checkpoint = parse(&quantised_model()).unwrap();
        let device = burn::tensor::Device::flex();
        let weight = checkpoint.tensor::<4>("layer3.5.conv2.weight", [2, 1, 1, 2], &device).unwrap();
        assert_eq!(weight.into_data().try_to_vec::<f32>().unwrap(), [-64.0, 63.5, 4.0, 6.0]);
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["layer3.5.conv2.bias", "layer3.5.conv2.weight"]);
    }

    #[test]
    fn broken_constants_are_named() {
        let mut model = quantised_model();
        model.graph.mut_or_insert_default().initializer[0].dims[0] = i64::MAX;
        assert!(parse(&model).unwrap_err().starts_with("constant `q`: 4 values for shape"));
        let mut model = quantised_model();
        model.graph.mut_or_insert_default().initializer[1].float_data.pop();
        assert_eq!(parse(&model).unwrap_err(), "constant `scale`: 1 values for shape [2]");
        let mut model = quantised_model();
        model.graph.mut_or_insert_default().node[1].op_type = "Identity".to_owned();
        assert_eq!(parse(&model).unwrap_err(), "`w` is no constant");
        let mut model = quantised_model();
        model.graph.mut_or_insert_default().node[0].name = "/head/Conv".to_owned();
        assert_eq!(parse(&model).unwrap_err(), "unexpected convolution `/head/Conv`");
    }

    #[test]
    fn truncated_files_are_errors_at_every_length() {
        let bytes = quantised_model().write_to_bytes().unwrap();
        for length in 1..bytes.len() {
            let parsed = Checkpoint::parse_onnx(&bytes[..length]);
            assert!(parsed.is_err() || parsed.is_ok_and(|c| c.names().count() < 2), "{length}");
        }
    }
}
