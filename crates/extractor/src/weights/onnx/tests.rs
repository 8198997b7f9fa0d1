use burn::tensor::Device;
use onnx_ir::{AttributeProto, TensorProto};

use super::{tensor::dtype, *};

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

fn along(axis: i64, mut node: NodeProto) -> NodeProto {
    let mut attribute = AttributeProto::new();
    attribute.name = "axis".to_owned();
    attribute.i = axis;
    node.attribute.push(attribute);
    node
}

/// One quantised convolution of 2 output channels, with a float bias.
fn quantised_model() -> ModelProto {
    let mut model = ModelProto::new();
    let graph = model.graph.mut_or_insert_default();
    graph.initializer = vec![
        tensor("onnx::Conv_1_quantized", dtype::INT8, &[2, 1, 1, 2], &[-128, 127, 3, 4]),
        floats("onnx::Conv_1_scale", &[0.5, 2.0]),
        tensor("onnx::Conv_1_zero_point", dtype::INT8, &[2], &[0, 1]),
        floats("onnx::Conv_2", &[7.0, 8.0]),
    ];
    graph.node = vec![
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
    model
}

fn parse(model: &ModelProto) -> Result<Checkpoint, String> {
    read(&model.write_to_bytes().unwrap())
}

const NAME: &str = "backbone.blocks.2.block2-5.convolutional_block.3";

#[test]
fn dequantises_per_output_channel_under_the_module_s_name() {
    let checkpoint = parse(&quantised_model()).unwrap();
    let weight = checkpoint.tensor::<4>(&format!("{NAME}.weight"), [2, 1, 1, 2], &Device::flex()).unwrap();
    assert_eq!(weight.into_data().try_to_vec::<f32>().unwrap(), [-64.0, 63.5, 4.0, 6.0]);
    let names: Vec<&str> = checkpoint.names().collect();
    assert_eq!(names, [format!("{NAME}.bias"), format!("{NAME}.weight")]);
}

#[test]
fn modules_are_told_by_the_names_of_nodes() {
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

/// A linear layer whose transposed weight has a name of the exporter's own.
fn linear_model(weight: &str, operation: &str) -> ModelProto {
    let mut model = ModelProto::new();
    let graph = model.graph.mut_or_insert_default();
    let mut matrix = floats(weight, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    matrix.dims = vec![2, 3];
    graph.initializer = vec![matrix, floats("blocks.0.fc.bias", &[7.0, 8.0, 9.0])];
    graph.node = vec![
        node(operation, "node_MatMul_11", &["x", weight], "y"),
        node("Add", "add", &["y", "blocks.0.fc.bias"], "z"),
    ];
    model
}

#[test]
fn a_transposed_weight_has_the_name_of_what_is_added() {
    let mut checkpoint = parse(&linear_model("onnx::MatMul_12", "MatMul")).unwrap();
    let weight = checkpoint.take("blocks.0.fc.weight").unwrap();
    assert_eq!((weight.shape, weight.values), (vec![3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    assert_eq!(checkpoint.take("blocks.0.fc.bias").unwrap().values, [7.0, 8.0, 9.0]);
    let mut gemm = linear_model("fc.weight", "Gemm");
    assert_eq!(parse(&gemm).unwrap().take("fc.weight").unwrap().shape, [3, 2]);
    let mut transposes = AttributeProto::new();
    transposes.name = "transB".to_owned();
    transposes.i = 1;
    gemm.graph.mut_or_insert_default().node[0].attribute.push(transposes);
    assert_eq!(parse(&gemm).unwrap().take("fc.weight").unwrap().shape, [2, 3]);
}

#[test]
fn broken_constants_are_named() {
    let broken = |change: fn(&mut GraphProto)| {
        let mut model = quantised_model();
        change(model.graph.mut_or_insert_default());
        parse(&model).unwrap_err()
    };
    let shape = broken(|graph| graph.initializer[0].dims[0] = i64::MAX);
    assert!(shape.starts_with("constant `onnx::Conv_1_quantized`: 4 values for shape"), "{shape}");
    let scale = broken(|graph| graph.initializer[1].float_data.truncate(1));
    assert_eq!(scale, "constant `onnx::Conv_1_scale`: 1 values for shape [2]");
    let axis = broken(|graph| graph.node[1].attribute[0].i = 7);
    assert_eq!(axis, "`dq`: 2 scales and 2 zero points for 0 channels");
    let axis = broken(|graph| graph.node[1].attribute[0].i = i64::MIN);
    assert_eq!(axis, "`dq`: 2 scales and 2 zero points for 0 channels");
    let weight = broken(|graph| graph.node[0].input[2] = "x".to_owned());
    assert_eq!(weight, "`x` is no constant");
}

#[test]
fn truncated_files_are_errors_at_every_length() {
    let bytes = quantised_model().write_to_bytes().unwrap();
    for length in 1..bytes.len() {
        let parsed = read(&bytes[..length]);
        assert!(parsed.is_err() || parsed.is_ok_and(|c| c.names().count() < 2), "{length}");
    }
}
