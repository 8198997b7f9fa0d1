//! Layers of a graph: the nodes that multiply by a weight, and their names in a state dict.

use super::{
    constant,
    graph::{Graph, is_parameter, without_suffix},
    messages::NodeProto,
};
use crate::checkpoint::Checkpoint;

/// The name that a state dict gives to the layer of a node; `None` for nodes that multiply by no constant.
pub fn name(graph: &Graph<'_>, node: &NodeProto<'_>) -> Option<String> {
    if !matches!(node.op_type, "Conv" | "Gemm" | "MatMul") {
        return None;
    }
    let weight = graph.constant_behind(node.inputs.get(1)?)?;
    let layer = |name: &str, suffix: &str| {
        let name = without_suffix(name);
        name.strip_suffix(suffix).filter(|_| is_parameter(name)).map(str::to_owned)
    };
    let by_bias = || summand(graph, node).and_then(|bias| layer(bias, ".bias"));
    layer(weight, ".weight").or_else(by_bias).or_else(|| Some(module(node.name)))
}

/// Adds the weight `[out, in, ...]` of a node and its bias, if it has one.
pub fn insert(
    graph: &Graph<'_>,
    node: &NodeProto<'_>,
    name: &str,
    checkpoint: &mut Checkpoint,
) -> Result<(), String> {
    let weight = graph.input(node, 1)?;
    let is_transposed = match node.op_type {
        "MatMul" => true,
        "Gemm" => !node.attributes.iter().any(|a| a.name == "transB" && a.i == 1),
        _ => false,
    };
    let weight = match is_transposed {
        true => constant::transpose(weight).map_err(|e| format!("`{}`: {e}", node.name))?,
        false => weight,
    };
    checkpoint.insert(format!("{name}.weight"), weight);
    if node.inputs.get(2).is_some_and(|bias| !bias.is_empty()) {
        checkpoint.insert(format!("{name}.bias"), graph.input(node, 2)?);
    }
    Ok(())
}

/// Name of the constant that is added to the output of a node.
fn summand<'a>(graph: &Graph<'a>, node: &NodeProto<'_>) -> Option<&'a str> {
    let sum = graph.user(node.outputs.first()?).filter(|sum| sum.op_type == "Add")?;
    sum.inputs.iter().find_map(|input| graph.constant_behind(input).or_else(|| graph.copy(input)))
}

/// The module in a node's name by TorchScript's exporter: `layer1.0.conv1` for `/layer1/layer1.0/conv1/Conv`.
pub fn module(node: &str) -> String {
    let path = node.trim_start_matches('/');
    let path = path.rsplit_once('/').map_or("", |(module, _operation)| module);
    path.split('/').fold(String::new(), |module, part| {
        // A part that repeats the one before it (`layer1`, `layer1.0`) replaces it.
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
