//! ONNX files: float32 tensors under the names of a PyTorch state dict.
//!
//! onnxruntime quantises a model into pairs of `QuantizeLinear` and `DequantizeLinear` nodes. Weights and biases are
//! dequantised, `(q - zero_point) * scale` per output channel. The quantisation of activations is dropped, and so are
//! the ReLUs folded into it: the network built from these tensors has its own.

mod constant;
mod graph;
mod layer;
mod messages;
mod wire_format;

use crate::checkpoint::Checkpoint;
use graph::Graph;

/// All parameters of an ONNX graph, named as in a state dict.
///
/// Exporters keep the names of parameters that they leave unchanged. A weight that was folded, transposed or quantised
/// is named after its bias, or after the node that uses it, whose name contains that of the module.
pub fn read(bytes: &[u8]) -> Result<Checkpoint, String> {
    let message = messages::graph(bytes).map_err(|e| format!("not an ONNX file: {e}"))?;
    let graph = Graph::new(&message);
    let mut checkpoint = Checkpoint::default();
    for name in graph.parameters() {
        checkpoint.insert(graph::without_suffix(name), graph.value(name)?);
    }
    for node in &message.nodes {
        if let Some(name) = layer::name(&graph, node) {
            layer::insert(&graph, node, &name, &mut checkpoint)?;
        }
    }
    insert_class_token(&message, &graph, &mut checkpoint)?;
    Ok(checkpoint)
}

/// Adds a transformer's class token where an exporter folded it: the constant first input of the `Concat` that joins it
/// to the patches.
fn insert_class_token(
    message: &messages::GraphProto<'_>,
    graph: &Graph<'_>,
    checkpoint: &mut Checkpoint,
) -> Result<(), String> {
    let positions = checkpoint.names().find_map(|name| name.strip_suffix("pos_embed")).map(str::to_owned);
    let Some(prefix) = positions.filter(|prefix| !checkpoint.contains(&format!("{prefix}cls_token"))) else {
        return Ok(());
    };
    let concatenations = message.nodes.iter().filter(|node| node.op_type == "Concat");
    let mut first_inputs = concatenations.filter_map(|node| node.inputs.first());
    let Some(token) = first_inputs.find(|name| graph.is_constant(name)) else { return Ok(()) };
    checkpoint.insert(format!("{prefix}cls_token"), graph.constant(token)?);
    Ok(())
}

#[cfg(test)]
mod tests;
