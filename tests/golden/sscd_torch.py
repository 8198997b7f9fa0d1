"""SSCD's ResNet-50 in PyTorch, from the int8 ONNX file with its weights dequantised."""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


def dequantised(path):
    """(weight, bias, stride) of every convolution by node name, and (weight, bias) of the projection, in float64."""
    graph = onnx.load(path).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    producers = {o: n for n in graph.node for o in n.output}

    def value(name):
        if name in constants:
            return torch.tensor(constants[name].astype(np.float64))
        q, scale, zero = (torch.tensor(constants[i].astype(np.float64)) for i in producers[name].input)
        column = [-1] + [1] * (q.ndim - 1)
        return (q - zero.reshape(column)) * scale.reshape(column)

    layers = {}
    for node in graph.node:
        if node.op_type == "Conv":
            stride = next(a.ints[0] for a in node.attribute if a.name == "strides")
            name = node.name.replace("/backbone/", "").replace("/Conv", "")
            layers[name] = (value(node.input[1]), value(node.input[2]), stride)
        elif node.op_type == "Gemm":
            layers["fc"] = (value(node.input[1]), value(node.input[2]))
    return layers


class Network:
    """Descriptors of normalised images, in the arithmetic of their type."""

    def __init__(self, path):
        self.exact = dequantised(path)
        self.cast = {}

    def layer(self, name, dtype):
        if (name, dtype) not in self.cast:
            self.cast[name, dtype] = [v.to(dtype) if torch.is_tensor(v) else v for v in self.exact[name]]
        return self.cast[name, dtype]

    def conv(self, x, name):
        weight, bias, stride = self.layer(name, x.dtype)
        return F.conv2d(x, weight, bias, stride, weight.shape[2] // 2)

    def __call__(self, x):
        x = F.max_pool2d(F.relu(self.conv(x, "initial_block/_module/0")), 3, 2, 1)
        for stage, count in enumerate((3, 4, 6, 3)):
            for block in range(count):
                name = f"blocks/{stage}/block{stage}-{block}"
                y = F.relu(self.conv(x, f"{name}/convolutional_block/0"))
                y = F.relu(self.conv(y, f"{name}/convolutional_block/3"))
                y = self.conv(y, f"{name}/convolutional_block/6")
                x = F.relu(y + (self.conv(x, f"{name}/downsample/0") if block == 0 else x))
        pooled = x.flatten(2).clamp(min=1e-6).pow(3).mean(2).pow(1 / 3)
        return F.normalize(F.linear(pooled, *self.layer("fc", x.dtype)))
