//! Reads the network of an ONNX file as float32 tensors.
//!
//! A file that onnxruntime quantised is a graph of quantise/dequantise pairs. Weights and biases are dequantised,
//! `(q - zero_point) * scale` per output channel; the quantisation of activations is left out, and with it
//! the ReLUs it had absorbed: the network built from these tensors applies its own.

use std::collections::HashMap;

use onnx_ir::{GraphProto, Message, ModelProto, NodeProto};

use super::{Array, Checkpoint};
use tensor::{apply_scale, read_tensor, transpose};

mod tensor;

/// All constants of an ONNX graph, under the names that they have in a state dict.
///
/// Exporters keep the names of parameters that they leave as they are; what they fold, transpose or quantise has the
/// name of the node that uses it, which tells the module.
pub fn read(bytes: &[u8]) -> Result<Checkpoint, String> {
    let model = ModelProto::parse_from_bytes(bytes).map_err(|e| format!("not an ONNX file: {e}"))?;
    let graph = Graph::new(&model.graph);
    let mut checkpoint = Checkpoint::default();
    for name in graph.parameters() {
        checkpoint.insert(name.trim_end_matches(QUANTISED), graph.value(name)?);
    }
    for node in &model.graph.node {
        if let Some(name) = graph.layer_name(node) {
            graph.insert_layer(node, &name, &mut checkpoint)?;
        }
    }
    graph.insert_class_token(&model.graph, &mut checkpoint)?;
    Ok(checkpoint)
}

/// What onnxruntime's quantisation appends to the names of constants.
const QUANTISED: &str = "_quantized";

/// Whether the name of a constant is that of a parameter, not an exporter's own.
fn is_parameter(name: &str) -> bool {
    !name.contains("::")
        && !name.starts_with('/')
        && !name.ends_with("_scale")
        && !name.ends_with("_zero_point")
}

/// The module that a node belongs to, by TorchScript's exporter: `/layer1/layer1.0/conv1/Conv` is of `layer1.0.conv1`.
fn module(node: &str) -> String {
    let path = node.trim_start_matches('/');
    let path = path.rsplit_once('/').map_or("", |(module, _operation)| module);
    path.split('/').fold(String::new(), |module, part| {
        // A part that repeats what is before it (`layer1`, `layer1.0`) stands for both.
        let mut heads = part.match_indices('.').map(|(dot, _)| &part[..dot]).rev();
        let before =
            heads.find_map(|head| module.strip_suffix(head).filter(|m| m.is_empty() || m.ends_with('.')));
        match before {
            Some(before) => format!("{before}{part}"),
            None if module.is_empty() => part.to_owned(),
            None => format!("{module}.{part}"),
        }
    })
}

/// A graph's constants and the nodes that produce and use its values, by name.
struct Graph<'a> {
    constants: HashMap<&'a str, &'a onnx_ir::TensorProto>,
    producers: HashMap<&'a str, &'a NodeProto>,
    users: HashMap<&'a str, &'a NodeProto>,
}

impl<'a> Graph<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |name| (name.as_str(), node));
        let inputs = |node: &'a NodeProto| node.input.iter().map(move |name| (name.as_str(), node));
        Self {
            constants: graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect(),
            producers: graph.node.iter().flat_map(outputs).collect(),
            users: graph.node.iter().flat_map(inputs).collect(),
        }
    }

    /// Constants that are parameters: float ones, quantised ones, and those that share the values of another.
    fn parameters(&self) -> impl Iterator<Item = &'a str> {
        let is_float = |name: &&str| self.constants.get(name).is_some_and(|t| tensor::is_float(t));
        let is_quantised = |name: &&str| name.ends_with(QUANTISED) && self.dequantiser(name).is_some();
        let shared =
            self.producers.iter().filter(|(_, node)| self.shares_a_constant(node)).map(|(name, _)| *name);
        let own = self.constants.keys().copied().filter(move |name| is_float(name) || is_quantised(name));
        own.chain(shared).filter(|name| is_parameter(name))
    }

    fn shares_a_constant(&self, node: &NodeProto) -> bool {
        node.op_type == "Identity" && node.input.first().is_some_and(|name| self.is_constant(name))
    }

    fn is_constant(&self, name: &str) -> bool {
        self.constants.contains_key(name)
    }

    /// What dequantises a constant.
    fn dequantiser(&self, name: &str) -> Option<&'a NodeProto> {
        let user = *self.users.get(name)?;
        (user.op_type == "DequantizeLinear" && user.input.first().is_some_and(|input| input == name))
            .then_some(user)
    }

    /// The values of a parameter, see [`Graph::parameters`].
    fn value(&self, name: &str) -> Result<Array, String> {
        match (self.dequantiser(name), self.producers.get(name)) {
            (Some(node), _) if self.is_constant(name) => self.dequantise(node),
            (_, Some(node)) if !self.is_constant(name) => self.constant(&node.input[0]),
            _ => self.constant(name),
        }
    }

    /// The name that a state dict gives to the layer whose weights a node multiplies by, `None` of other nodes.
    fn layer_name(&self, node: &NodeProto) -> Option<String> {
        if !matches!(node.op_type.as_str(), "Conv" | "Gemm" | "MatMul") {
            return None;
        }
        let weight = self.constant_behind(node.input.get(1)?)?;
        let named = |name: &str, ending: &str| {
            let name = name.trim_end_matches(QUANTISED);
            name.strip_suffix(ending).filter(|_| is_parameter(name)).map(str::to_owned)
        };
        let of_sum = || self.summand(node).and_then(|bias| named(bias, ".bias"));
        named(weight, ".weight").or_else(of_sum).or_else(|| Some(module(&node.name)))
    }

    /// The constant that is added to what a node computes.
    fn summand(&self, node: &NodeProto) -> Option<&str> {
        let sum = self.users.get(node.output.first()?.as_str())?;
        let mut inputs = sum.input.iter().filter(|_| sum.op_type == "Add");
        inputs.find_map(|input| self.constant_behind(input).or_else(|| self.shared(input)))
    }

    /// The name of a constant's copy.
    fn shared<'b>(&self, name: &'b str) -> Option<&'b str> {
        self.producers.get(name).filter(|node| self.shares_a_constant(node)).map(|_| name)
    }

    /// The constant that an input is, or is dequantised from.
    fn constant_behind<'b>(&'b self, input: &'b str) -> Option<&'b str> {
        if self.is_constant(input) {
            return Some(input);
        }
        let producer = self.producers.get(input)?;
        let quantised = producer.input.first().filter(|name| self.is_constant(name))?;
        (producer.op_type == "DequantizeLinear").then_some(quantised.as_str())
    }

    /// Weight `[out, in, ...]` and, where the node has one, bias.
    fn insert_layer(&self, node: &NodeProto, name: &str, checkpoint: &mut Checkpoint) -> Result<(), String> {
        let weight = self.input(node, 1)?;
        let is_transposed = match node.op_type.as_str() {
            "MatMul" => true,
            "Gemm" => !node.attribute.iter().any(|a| a.name == "transB" && a.i == 1),
            _ => false,
        };
        let weight = if is_transposed {
            transpose(weight).map_err(|e| format!("`{}`: {e}", node.name))?
        } else {
            weight
        };
        checkpoint.insert(format!("{name}.weight"), weight);
        if node.input.get(2).is_some_and(|bias| !bias.is_empty()) {
            checkpoint.insert(format!("{name}.bias"), self.input(node, 2)?);
        }
        Ok(())
    }

    /// Where an exporter has folded a transformer's class token, it is the one constant that patches are appended to.
    fn insert_class_token(&self, graph: &GraphProto, checkpoint: &mut Checkpoint) -> Result<(), String> {
        let positions = checkpoint.names().find_map(|name| name.strip_suffix("pos_embed")).map(str::to_owned);
        let Some(prefix) = positions.filter(|prefix| !checkpoint.contains(&format!("{prefix}cls_token")))
        else {
            return Ok(());
        };
        let appends = graph.node.iter().filter(|node| node.op_type == "Concat");
        let first = appends.filter_map(|node| node.input.first());
        let Some(token) = first.into_iter().find(|name| self.is_constant(name)) else { return Ok(()) };
        checkpoint.insert(format!("{prefix}cls_token"), self.constant(token)?);
        Ok(())
    }

    /// Input number `position` of `node`: a float constant, or a dequantised integer one.
    fn input(&self, node: &NodeProto, position: usize) -> Result<Array, String> {
        let name =
            node.input.get(position).ok_or_else(|| format!("`{}` has no input {position}", node.name))?;
        if self.is_constant(name) {
            return self.constant(name);
        }
        match self.producers.get(name.as_str()) {
            Some(producer) if producer.op_type == "DequantizeLinear" => self.dequantise(producer),
            Some(producer) if self.shares_a_constant(producer) => self.constant(&producer.input[0]),
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
        let axis = node.attribute.iter().find(|a| a.name == "axis").map_or(1, |a| a.i);
        apply_scale(&mut array, &scale, &zero_point, axis)
            .map_err(|reason| format!("`{}`: {reason}", node.name))?;
        Ok(array)
    }
}

#[cfg(test)]
mod tests;
