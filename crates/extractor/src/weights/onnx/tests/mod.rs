//! Graphs of single layers: dequantisation, names, transposition, and damaged files.

mod encoding;

use burn::tensor::Device;

use super::{
    constant::{EXTERNAL, FLOAT, INT8},
    layer::module,
    messages::{AttributeProto, GraphProto, NodeProto, TensorProto},
    read,
};
use crate::checkpoint::Checkpoint;

fn integers(name: &'static str, dims: &[i64], values: &[i32]) -> TensorProto<'static> {
    TensorProto {
        name,
        data_type: INT8,
        dims: dims.to_vec(),
        int32_data: values.to_vec(),
        ..Default::default()
    }
}

fn floats(name: &'static str, values: &[f32]) -> TensorProto<'static> {
    let dims = vec![values.len() as i64];
    TensorProto { name, data_type: FLOAT, dims, float_data: values.to_vec(), ..Default::default() }
}

fn node(
    op_type: &'static str,
    name: &'static str,
    inputs: &[&'static str],
    output: &'static str,
) -> NodeProto<'static> {
    let (inputs, outputs) = (inputs.to_vec(), vec![output]);
    NodeProto { op_type, name, inputs, outputs, attributes: Vec::new() }
}

fn along(axis: i64, mut node: NodeProto<'static>) -> NodeProto<'static> {
    node.attributes.push(AttributeProto { name: "axis", i: axis });
    node
}

/// One quantised convolution of 2 output channels, with a float bias.
fn quantised_graph() -> GraphProto<'static> {
    let initializers = vec![
        integers("onnx::Conv_1_quantized", &[2, 1, 1, 2], &[-128, 127, 3, 4]),
        floats("onnx::Conv_1_scale", &[0.5, 2.0]),
        integers("onnx::Conv_1_zero_point", &[2], &[0, 1]),
        floats("onnx::Conv_2", &[7.0, 8.0]),
    ];
    let nodes = vec![
        node(
            "Conv",
            "/backbone/blocks/2/block2-5/convolutional_block/3/Conv",
            &["x", "w", "onnx::Conv_2"],
            "y",
        ),
        along(
            0,
            node(
                "DequantizeLinear",
                "dq",
                &["onnx::Conv_1_quantized", "onnx::Conv_1_scale", "onnx::Conv_1_zero_point"],
                "w",
            ),
        ),
    ];
    GraphProto { nodes, initializers }
}

fn parse(graph: &GraphProto<'_>) -> Result<Checkpoint, String> {
    read(&encoding::file(graph))
}

const NAME: &str = "backbone.blocks.2.block2-5.convolutional_block.3";

#[test]
fn dequantises_per_output_channel_under_the_module_s_name() {
    let checkpoint = parse(&quantised_graph()).unwrap();
    let weight = checkpoint.tensor::<4>(&format!("{NAME}.weight"), [2, 1, 1, 2], &Device::flex()).unwrap();
    assert_eq!(weight.into_data().try_to_vec::<f32>().unwrap(), [-64.0, 63.5, 4.0, 6.0]);
    let names: Vec<&str> = checkpoint.names().collect();
    assert_eq!(names, [format!("{NAME}.bias"), format!("{NAME}.weight")]);
}

#[test]
fn modules_are_recognised_by_the_names_of_nodes() {
    for (node, expected) in [
        ("/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"),
        ("/backbone/layer1/layer1.0/downsample/downsample.0/Conv", "backbone.layer1.0.downsample.0"),
        ("/blocks/blocks.0/blocks.0.0/conv_dw/Conv", "blocks.0.0.conv_dw"),
        (
            "/backbone/blocks/1/block1-0/convolutional_block/3/Conv",
            "backbone.blocks.1.block1-0.convolutional_block.3",
        ),
        ("/Conv", ""),
        ("node_Conv_1", ""),
    ] {
        assert_eq!(module(node), expected, "{node}");
    }
}

/// A linear layer whose transposed weight has a name that the exporter made up.
fn linear_graph(weight: &'static str, operation: &'static str) -> GraphProto<'static> {
    let mut matrix = floats(weight, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    matrix.dims = vec![2, 3];
    let initializers = vec![matrix, floats("blocks.0.fc.bias", &[7.0, 8.0, 9.0])];
    let nodes = vec![
        node(operation, "node_MatMul_11", &["x", weight], "y"),
        node("Add", "add", &["y", "blocks.0.fc.bias"], "z"),
    ];
    GraphProto { nodes, initializers }
}

#[test]
fn a_transposed_weight_has_the_name_of_what_is_added() {
    let mut checkpoint = parse(&linear_graph("onnx::MatMul_12", "MatMul")).unwrap();
    let weight = checkpoint.take("blocks.0.fc.weight").unwrap();
    assert_eq!((weight.shape, weight.values), (vec![3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    assert_eq!(checkpoint.take("blocks.0.fc.bias").unwrap().values, [7.0, 8.0, 9.0]);
    let mut gemm = linear_graph("fc.weight", "Gemm");
    assert_eq!(parse(&gemm).unwrap().take("fc.weight").unwrap().shape, [3, 2]);
    gemm.nodes[0].attributes.push(AttributeProto { name: "transB", i: 1 });
    assert_eq!(parse(&gemm).unwrap().take("fc.weight").unwrap().shape, [2, 3]);
}

#[test]
fn raw_and_typed_values_agree() {
    let mut graph = quantised_graph();
    graph.initializers[0].int32_data.clear();
    graph.initializers[0].raw_data = &[0x80, 0x7f, 3, 4];
    graph.initializers[1].float_data.clear();
    graph.initializers[1].raw_data = &[0, 0, 0, 0x3f, 0, 0, 0, 0x40];
    let expected = parse(&quantised_graph()).unwrap();
    assert!(parse(&graph).unwrap().iter().eq(expected.iter()));
}

#[test]
fn broken_constants_are_named() {
    let broken = |change: fn(&mut GraphProto<'static>)| {
        let mut graph = quantised_graph();
        change(&mut graph);
        parse(&graph).unwrap_err()
    };
    let shape = broken(|graph| graph.initializers[0].dims[0] = i64::MAX);
    assert!(shape.starts_with("constant `onnx::Conv_1_quantized`: 4 values for shape"), "{shape}");
    let scale = broken(|graph| graph.initializers[1].float_data.truncate(1));
    assert_eq!(scale, "constant `onnx::Conv_1_scale`: 1 values for shape [2]");
    let axis = broken(|graph| graph.nodes[1].attributes[0].i = 7);
    assert_eq!(axis, "`dq`: 2 scales and 2 zero points for 0 channels");
    let axis = broken(|graph| graph.nodes[1].attributes[0].i = i64::MIN);
    assert_eq!(axis, "`dq`: 2 scales and 2 zero points for 0 channels");
    let weight = broken(|graph| graph.nodes[0].inputs[2] = "x");
    assert_eq!(weight, "`x` is not a constant");
    let external = broken(|graph| graph.initializers[3].data_location = EXTERNAL);
    assert!(external.starts_with("constant `onnx::Conv_2`: its values are in another file"), "{external}");
}

#[test]
fn truncated_files_are_errors_at_every_length() {
    let bytes = encoding::file(&quantised_graph());
    for length in 1..bytes.len() {
        let parsed = read(&bytes[..length]);
        assert!(parsed.is_err() || parsed.is_ok_and(|c| c.names().count() < 2), "{length}");
    }
    let error = read(&bytes[..bytes.len() - 1]).unwrap_err();
    assert!(error.starts_with("not an ONNX file: ") && error.lines().count() == 1, "{error}");
}

#[test]
fn changed_files_never_panic() {
    let whole = encoding::file(&quantised_graph());
    for at in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            // Any answer will do.
            let _ = read(&changed);
        }
    }
}
