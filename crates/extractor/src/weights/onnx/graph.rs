//! A graph's constants and the nodes around them, looked up by name.

use std::collections::HashMap;

use super::{
    constant,
    messages::{GraphProto, NodeProto, TensorProto},
};
use crate::checkpoint::Array;

/// Suffix of the names of constants that onnxruntime quantised.
const QUANTISED: &str = "_quantized";

/// The name of a constant before its quantisation.
pub fn without_suffix(name: &str) -> &str {
    name.trim_end_matches(QUANTISED)
}

/// Returns true for the name of a parameter, false for a name that an exporter made up.
pub fn is_parameter(name: &str) -> bool {
    !name.contains("::")
        && !name.starts_with('/')
        && !name.ends_with("_scale")
        && !name.ends_with("_zero_point")
}

/// Constants by name, and the nodes that compute and use each value.
pub struct Graph<'a> {
    constants: HashMap<&'a str, &'a TensorProto<'a>>,
    producers: HashMap<&'a str, &'a NodeProto<'a>>,
    users: HashMap<&'a str, &'a NodeProto<'a>>,
}

impl<'a> Graph<'a> {
    /// Indexes a graph; of several users of a value, the last one counts.
    pub fn new(graph: &'a GraphProto<'a>) -> Self {
        let outputs = |node: &'a NodeProto<'a>| node.outputs.iter().map(move |name| (*name, node));
        let inputs = |node: &'a NodeProto<'a>| node.inputs.iter().map(move |name| (*name, node));
        Self {
            constants: graph.initializers.iter().map(|tensor| (tensor.name, tensor)).collect(),
            producers: graph.nodes.iter().flat_map(outputs).collect(),
            users: graph.nodes.iter().flat_map(inputs).collect(),
        }
    }

    /// Names of the parameters: float constants, quantised constants, and copies of constants.
    pub fn parameters(&self) -> impl Iterator<Item = &'a str> {
        let is_float = |name: &&str| self.constants.get(name).is_some_and(|t| constant::is_float(t));
        let is_quantised = |name: &&str| name.ends_with(QUANTISED) && self.dequantiser(name).is_some();
        let copies = self.producers.iter().filter(|(_, node)| self.copies_a_constant(node));
        let constants = self.constants.keys().copied();
        let parameters = constants.filter(move |name| is_float(name) || is_quantised(name));
        parameters.chain(copies.map(|(name, _)| *name)).filter(|name| is_parameter(name))
    }

    /// The values of a parameter, see [`Graph::parameters`].
    pub fn value(&self, name: &str) -> Result<Array, String> {
        match (self.dequantiser(name), self.producers.get(name)) {
            (Some(node), _) if self.is_constant(name) => self.dequantise(node),
            (_, Some(node)) if !self.is_constant(name) => self.constant(node.inputs[0]),
            _ => self.constant(name),
        }
    }

    /// Returns true if the graph stores a constant of that name.
    pub fn is_constant(&self, name: &str) -> bool {
        self.constants.contains_key(name)
    }

    /// The values of a constant.
    pub fn constant(&self, name: &str) -> Result<Array, String> {
        let tensor = self.constants.get(name).ok_or_else(|| format!("no constant `{name}`"))?;
        constant::values(tensor).map_err(|reason| format!("constant `{name}`: {reason}"))
    }

    /// Input number `position` of `node`: a float constant, or a dequantised integer one.
    pub fn input(&self, node: &NodeProto<'_>, position: usize) -> Result<Array, String> {
        let name = node.inputs.get(position);
        let name = *name.ok_or_else(|| format!("`{}` has no input {position}", node.name))?;
        if self.is_constant(name) {
            return self.constant(name);
        }
        match self.producers.get(name) {
            Some(producer) if producer.op_type == "DequantizeLinear" => self.dequantise(producer),
            Some(producer) if self.copies_a_constant(producer) => self.constant(producer.inputs[0]),
            _ => Err(format!("`{name}` is not a constant")),
        }
    }

    /// Name of the constant that an input is, or is dequantised from.
    pub fn constant_behind<'b>(&self, input: &'b str) -> Option<&'b str>
    where
        'a: 'b,
    {
        if self.is_constant(input) {
            return Some(input);
        }
        let producer = self.producers.get(input)?;
        let quantised = producer.inputs.first().filter(|name| self.is_constant(name))?;
        (producer.op_type == "DequantizeLinear").then_some(*quantised)
    }

    /// The name itself, if it is that of a constant's copy.
    pub fn copy<'b>(&self, name: &'b str) -> Option<&'b str> {
        self.producers.get(name).filter(|node| self.copies_a_constant(node)).map(|_| name)
    }

    /// The node that uses a value.
    pub fn user(&self, name: &str) -> Option<&'a NodeProto<'a>> {
        self.users.get(name).copied()
    }

    /// The node that dequantises a constant.
    fn dequantiser(&self, name: &str) -> Option<&'a NodeProto<'a>> {
        let is_first = |node: &&NodeProto<'_>| node.inputs.first().is_some_and(|input| *input == name);
        self.user(name).filter(|node| node.op_type == "DequantizeLinear").filter(is_first)
    }

    fn copies_a_constant(&self, node: &NodeProto<'_>) -> bool {
        node.op_type == "Identity" && node.inputs.first().is_some_and(|name| self.is_constant(name))
    }

    fn dequantise(&self, node: &NodeProto<'_>) -> Result<Array, String> {
        let [quantised, scale, rest @ ..] = node.inputs.as_slice() else {
            return Err(format!("`{}` has {} inputs, expected 2 or 3", node.name, node.inputs.len()));
        };
        let mut array = self.constant(quantised)?;
        let scale = self.constant(scale)?.values;
        let zero_point = match rest.first() {
            Some(name) => self.constant(name)?.values,
            None => vec![0.0; scale.len()],
        };
        let axis = node.attributes.iter().find(|a| a.name == "axis").map_or(1, |a| a.i);
        constant::dequantise(&mut array, &scale, &zero_point, axis)
            .map_err(|reason| format!("`{}`: {reason}", node.name))?;
        Ok(array)
    }
}
