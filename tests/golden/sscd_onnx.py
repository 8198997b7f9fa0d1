"""SSCD's ResNet-50 as a float32 ONNX model, from the int8 ONNX file with its weights dequantised."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sscd_torch import dequantised


def float_model(path):
    """Normalised images `x`, `[n, 3, h, w]`, to descriptors `[n, 512]`."""
    layers, nodes, constants = dequantised(path), [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind, inputs, **attributes):
        out = f"t{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        return out

    def conv(x, name):
        weight, bias, stride = layers[name]
        inputs = [x, constant(f"{name}.w", weight.float().numpy()), constant(f"{name}.b", bias.float().numpy())]
        return node("Conv", inputs, strides=[stride] * 2, pads=[weight.shape[2] // 2] * 4)

    def relu(x):
        return node("Relu", [x])

    x = relu(conv("x", "initial_block/_module/0"))
    x = node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage, count in enumerate((3, 4, 6, 3)):
        for block in range(count):
            name = f"blocks/{stage}/block{stage}-{block}"
            y = relu(conv(x, f"{name}/convolutional_block/0"))
            y = relu(conv(y, f"{name}/convolutional_block/3"))
            y = conv(y, f"{name}/convolutional_block/6")
            x = relu(node("Add", [y, conv(x, f"{name}/downsample/0") if block == 0 else x]))
    x = node("Max", [x, constant("floor", np.float32(1e-6))])
    x = node("GlobalAveragePool", [node("Mul", [node("Mul", [x, x]), x])])
    x = node("Pow", [node("Flatten", [x]), constant("root", np.float32(1 / 3))])
    weight, bias = (v.float().numpy() for v in layers["fc"])
    x = node("Gemm", [x, constant("fc.w", weight), constant("fc.b", bias)], transB=1)
    norm = node("ReduceL2", [x, constant("axes", np.int64([1]))], keepdims=1)
    nodes.append(helper.make_node("Div", [x, norm], ["descriptor"]))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    ends = [value("x", ["n", 3, "h", "w"])], [value("descriptor", ["n", 512])]
    graph = helper.make_graph(nodes, "sscd", *ends, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
