#!/usr/bin/env python3
"""Writes extractors/ with torch, torchvision, timm and onnxruntime: tiny networks of every architecture, each saved in every
format that the converter reads, and what they compute in float64.

    python3 -m venv PEER
    PEER/bin/pip install torch torchvision timm safetensors onnx onnxscript onnxruntime numpy
    PEER/bin/python make_extractors.py extractors
    PEER/bin/python make_extractors.py --full FOLDER    # the published sizes, for the test of them (gigabytes)

Weights are seeded, and batch norms are run over noise so that activations stay near 1. For each network NAME.npz holds, for
two inputs (i = 0, 1) of different sizes: x{i} `[1, 3, h, w]` in 8 bits (the network's input is x / 64 - 2), the descriptor
desc{i}, a unit vector target{i}, and grad{i}, the gradient of their product with respect to the input; desc{i}_int8 and
grad{i}_int8 are those of the network with the weights of NAME.int8.onnx, dequantised. Nothing here is shared with the Rust
code. The versions of the last run are in extractors/versions.json.
"""
import argparse
import copy
import functools
import json
import math
import pathlib
import zipfile
from collections import OrderedDict

import numpy as np
import onnx
import onnxruntime.quantization as quantization
import safetensors.torch
import timm
import torch
import torch.nn.functional as F
import torchvision
from onnx import numpy_helper
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import _create_effnet
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.resnet import Bottleneck


class Gem(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x.clamp(min=1e-6).pow(self.p).mean((2, 3)).pow(1.0 / self.p)


class L2(nn.Module):
    def forward(self, x):
        return F.normalize(x)


class Trunk(nn.Module):
    """torchvision's ResNet of its own bottlenecks, in any width; `fc` is SSCD's projection or nothing."""

    def __init__(self, stem, planes, depths, groups, base_width, dims):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inplanes = stem
        for stage, depth in enumerate(depths):
            stride, width, blocks = (1 if stage == 0 else 2), planes << stage, []
            for block in range(depth):
                downsample = None
                if block == 0:
                    conv = nn.Conv2d(inplanes, 4 * width, 1, stride, bias=False)
                    downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * width))
                blocks.append(Bottleneck(inplanes, width, stride if block == 0 else 1, downsample, groups, base_width))
                inplanes = 4 * width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = Gem(3.0) if dims else nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(inplanes, dims) if dims else nn.Identity()

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x))


class Sscd(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.backbone = trunk
        self.embeddings = L2()

    def forward(self, x):
        return self.embeddings(self.backbone(x))


class ClassyBlock(nn.Module):
    """The modules of a bottleneck under Classy Vision's names."""

    def __init__(self, block):
        super().__init__()
        layers = [block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2, nn.ReLU(), block.conv3, block.bn3]
        self.convolutional_block = nn.Sequential(*layers)
        self.downsample = block.downsample
        self.relu = nn.ReLU()

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(shortcut + self.convolutional_block(x))


class ClassyStem(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self._module = nn.Sequential(trunk.conv1, trunk.bn1, nn.ReLU(), nn.MaxPool2d(3, 2, 1))

    def forward(self, x):
        return self._module(x)


class Classy(nn.Module):
    """SSCD as Meta saves it: Classy Vision's trunk, and GeM pooling, projection and norm behind it."""

    def __init__(self, trunk):
        super().__init__()
        stages = []
        for stage in range(4):
            blocks = enumerate(getattr(trunk, f"layer{stage + 1}"))
            stages.append(nn.Sequential(OrderedDict((f"block{stage}-{i}", ClassyBlock(b)) for i, b in blocks)))
        self.backbone = nn.Module()
        self.backbone = nn.Sequential(OrderedDict(initial_block=ClassyStem(trunk), blocks=nn.Sequential(*stages)))
        self.embeddings = nn.Sequential(Gem(3.0), trunk.fc, L2())

    def forward(self, x):
        return self.embeddings(self.backbone(x))


class Patches(nn.Module):
    def __init__(self, proj):
        super().__init__()
        self.proj = proj

    def forward(self, x):
        return self.proj(x)


class Dino(nn.Module):
    """timm's transformer with DINO's way of bringing positions to other sizes: the class token is the descriptor."""

    def __init__(self, vit):
        super().__init__()
        self.cls_token, self.pos_embed = vit.cls_token, vit.pos_embed
        self.patch_embed = Patches(vit.patch_embed.proj)
        self.blocks, self.norm = vit.blocks, vit.norm

    def positions(self, h, w):
        side = math.isqrt(self.pos_embed.shape[1] - 1)
        if h == w == side:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, scale_factor=((h + 0.1) / side, (w + 0.1) / side), mode="bicubic")
        assert grid.shape[2:] == (h, w)
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], 1)

    def forward(self, x):
        x = self.patch_embed(x)
        h, w = int(x.shape[2]), int(x.shape[3])
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.positions(h, w)
        return F.normalize(self.norm(self.blocks(x))[:, 0])


class Isc(nn.Module):
    """ISC-dt1: an EfficientNetV2 without its last convolution, the mean of what is at least 1e-6, projection, norm."""

    def __init__(self, backbone, channels, dims):
        super().__init__()
        self.backbone = backbone
        self.fc = nn.Linear(channels, dims, bias=False)
        self.bn = nn.BatchNorm1d(dims)

    def forward(self, x):
        x = self.backbone(x)[-1].clamp(min=1e-6).mean((2, 3))
        return F.normalize(self.bn(self.fc(x)))


def tiny_effnet():
    stages = ["cn_r1_k3_s1_e1_c8_skip", "er_r2_k3_s2_e2_c8", "er_r1_k3_s2_e2_c8", "ir_r1_k3_s2_e4_c8_se0.25",
              "ir_r1_k3_s1_e4_c8_se0.25", "ir_r1_k3_s2_e4_c16_se0.25", "ir_r1_k3_s1_e4_c16_se0.25"]
    return _create_effnet(
        "tf_efficientnetv2_s", block_args=decode_arch_def([[s] for s in stages]), stem_size=8, features_only=True,
        round_chs_fn=round_channels, act_layer=nn.SiLU, norm_layer=functools.partial(nn.BatchNorm2d, eps=1e-3),
        pad_type="same",
    )


def networks(full):
    """Every network, and the sizes of its two inputs."""
    if full:
        sides = [(288, 288), (224, 320)]
        vit = timm.create_model("vit_small_patch16_224", num_classes=0)
        effnet = timm.create_model("tf_efficientnetv2_m", features_only=True)
        yield "sscd", Sscd(Trunk(64, 64, [3, 4, 6, 3], 1, 64, 512)), sides
        yield "sscd_large", Sscd(Trunk(64, 64, [3, 4, 23, 3], 32, 4, 1024)), sides
        yield "dino_resnet", Trunk(64, 64, [3, 4, 6, 3], 1, 64, 0), sides
        # Exported at the size of the positions: exporters compute the interpolation to another one beforehand.
        yield "dino_vit", Dino(vit), [(224, 224), (288, 320)]
        yield "isc", Isc(effnet, 512, 256), [(512, 512), (288, 320)]
        return
    sides = [(48, 48), (40, 61)]
    vit = timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=0
    )
    yield "sscd", Sscd(Trunk(4, 2, [2, 1, 1, 1], 1, 64, 12)), sides
    yield "sscd_large", Sscd(Trunk(4, 2, [1, 1, 2, 1], 4, 32, 20)), sides
    yield "dino_resnet", Trunk(4, 2, [1, 2, 1, 1], 1, 64, 0), sides
    yield "dino_vit", Dino(vit), [(32, 32), (40, 61)]
    yield "isc", Isc(tiny_effnet(), 16, 12), [(48, 48), (41, 60)]


def randomise(network, h, w):
    """Norms that do something, over statistics that fit."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.normal_(module.bias, 0, 0.2)
            module.momentum = 0.5
        elif isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.normal_(module.bias, 0, 0.1)
    for name, parameter in network.named_parameters():
        if name.endswith(("cls_token", "pos_embed")):
            nn.init.normal_(parameter, 0, 0.5)
    network.train()
    with torch.no_grad():
        for _ in range(6):
            network(torch.rand(8, 3, h, w) * 4 - 2)
    return network.eval()


def reference(network, sides, rng, suffix=""):
    arrays = {}
    exact = copy.deepcopy(network).double()
    for i, (h, w) in enumerate(sides):
        levels = np.random.default_rng(i).integers(0, 256, (1, 3, h, w), dtype=np.uint8)
        x = (torch.from_numpy(levels).double() / 64 - 2).requires_grad_()
        descriptor = F.normalize(exact(x))
        target = F.normalize(torch.randn(descriptor.shape, generator=rng, dtype=torch.float64))
        (descriptor * target).sum().backward()
        arrays |= {
            f"x{i}": levels,
            f"desc{i}{suffix}": descriptor.detach().numpy(),
            f"target{i}{suffix}": target.float().numpy(),
            f"grad{i}{suffix}": x.grad.float().numpy(),
        }
        exact.zero_grad()
    return arrays


def without_debug(path):
    """A TorchScript archive without what it notes of the source that it was traced from."""
    with zipfile.ZipFile(path) as archive:
        parts = [(i.filename, archive.read(i)) for i in archive.infolist() if not i.filename.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name), content)


class Noise(quantization.CalibrationDataReader):
    def __init__(self, h, w):
        rng = np.random.default_rng(7)
        self.batches = iter([{"input": (rng.random((1, 3, h, w)) * 4 - 2).astype(np.float32)} for _ in range(4)])

    def get_next(self):
        return next(self.batches, None)


def dequantised(path):
    """Constants of an int8 file in float64: by their own name, and by the name of the node that multiplies by them."""
    graph = onnx.load(path).graph
    constants = {i.name: numpy_helper.to_array(i).astype(np.float64) for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            q, scale, zero = (constants[name] for name in node.input)
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            shape = [-1 if i == (axis if q.ndim > 1 else 0) else 1 for i in range(q.ndim)] if scale.size > 1 else [1] * q.ndim
            constants[node.output[0]] = (q - zero.reshape(shape)) * scale.reshape(shape)
            constants[node.input[0].removesuffix("_quantized")] = constants[node.output[0]]
    used = {}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul") and node.input[1] in constants:
            transposed = node.op_type == "MatMul" or (
                node.op_type == "Gemm" and not any(a.name == "transB" and a.i for a in node.attribute)
            )
            weight = constants[node.input[1]]
            used[node.name] = (weight.T if transposed else weight, constants[node.input[2]] if len(node.input) > 2 else None)
    return constants, used


def with_int8_weights(network, path):
    """The network with the weights of a quantised file, whose batch norms are folded."""
    constants, used = dequantised(path)
    network = fused(copy.deepcopy(network)).double()
    modules = dict(network.named_modules())
    state = dict(network.named_parameters())
    with torch.no_grad():
        for name, parameter in state.items():
            if name in constants:
                parameter.copy_(torch.from_numpy(constants[name]).reshape(parameter.shape))
        for node, (weight, bias) in used.items():
            parts = set(node.strip("/").split("/")[:-1])
            spelled = [(scopes(network, n), n) for n in modules if n]
            fitting = [(len(s), n) for s, n in spelled if s[-1] in node.split("/")[-2:-1] and parts <= set(s)]
            _, name = min(fitting)
            modules[name].weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
            if bias is not None:
                modules[name].bias.copy_(torch.from_numpy(bias))
    return network


def scopes(network, name):
    """How TorchScript's exporter spells a module: a child of a container carries the container's name too."""
    parts, module, spelled = name.split("."), network, []
    for i, part in enumerate(parts):
        in_container = isinstance(module, (nn.Sequential, nn.ModuleList, nn.ModuleDict)) and i > 0
        spelled.append(f"{spelled[-1]}.{part}" if in_container else part)
        module = getattr(module, part)
    return spelled


def fused(network):
    """Convolutions with the batch norms behind them folded in."""
    pairs = dict(conv1="bn1", conv2="bn2", conv3="bn3", conv_stem="bn1", conv="bn1", conv_exp="bn1", conv_pw="bn1", conv_dw="bn2")
    for parent in list(network.modules()):
        names = {n for n, _ in parent.named_children()}
        wanted = dict(pairs, conv_pwl="bn3" if "conv_dw" in names else "bn2") if names else {}
        if isinstance(parent, nn.Sequential) and len(parent) == 2 and isinstance(parent[1], nn.BatchNorm2d):
            wanted = {"0": "1"}
        for conv, norm in wanted.items():
            if conv in names and norm in names and isinstance(getattr(parent, conv), nn.Conv2d):
                bn = getattr(parent, norm)
                parent._modules[conv] = fuse_conv_bn_eval(getattr(parent, conv), bn)
                parent._modules[norm] = getattr(bn, "act", nn.Identity())
    return network


def save_onnx(network, x, path, dynamo):
    """Without what exporters note of their own source."""
    options = dict(external_data=False) if dynamo else {}
    torch.onnx.export(network, (x,), str(path), input_names=["input"], dynamo=dynamo, **options)
    model = onnx.load(path)
    for part in [model, model.graph, *model.graph.node, *model.graph.value_info]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, path)


def save(name, network, out, h, w):
    """One network in every format."""
    x = torch.rand(1, 3, h, w)
    state = network.state_dict()
    wrapper = Classy(network.backbone).eval() if name.startswith("sscd") else network
    torch.jit.trace(wrapper, x).save(str(out / f"{name}.torchscript.pt"))
    safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, out / f"{name}.safetensors")
    if name.startswith("sscd"):
        torch.save(wrapper.state_dict(), out / f"{name}.classy.pt")
    if name == "sscd":
        torch.jit.script(network).save(str(out / f"{name}.scripted.pt"))
        torch.save(state, out / f"{name}.torchvision.pt")
    elif name == "isc":
        parallel = OrderedDict((f"module.{k}", v) for k, v in state.items())
        # A training's checkpoint: the optimiser's averages are no second network.
        optimiser = dict(state={0: dict(step=3, exp_avg=torch.zeros(4))}, param_groups=[dict(lr=0.1, params=[0])])
        arguments = argparse.Namespace(input_size=512, arch="tf_efficientnetv2_m_in21ft1k", weights=None, gem=1.0)
        torch.save(dict(epoch=7, arch="x", state_dict=parallel, optimizer=optimiser, args=arguments), out / f"{name}.pth.tar")
    elif name.startswith("dino"):
        torch.save(state, out / f"{name}.pth")
    if name == "dino_resnet":
        last = {k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v for k, v in state.items()}
        torch.save(last, out / f"{name}.channels_last.pth")
    for path in out.glob(f"{name}.*.pt"):
        without_debug(path)
    save_onnx(network, x, out / f"{name}.onnx", dynamo=False)
    if name in ("sscd", "dino_vit"):
        save_onnx(network, x, out / f"{name}.dynamo.onnx", dynamo=True)
    quantization.quantize_static(
        str(out / f"{name}.onnx"), str(out / f"{name}.int8.onnx"), Noise(h, w), per_channel=True,
        quant_format=quantization.QuantFormat.QDQ, extra_options=dict(ActivationSymmetric=False),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", help="one network")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, (name, network, sides) in enumerate(networks(arguments.full)):
        if arguments.only not in (None, name):
            continue
        torch.manual_seed(number)
        for module in network.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
        network = randomise(network, *sides[0])
        save(name, network, arguments.out, *sides[0])
        rng = torch.Generator().manual_seed(number)
        arrays = reference(network, sides, rng)
        arrays |= reference(with_int8_weights(network, arguments.out / f"{name}.int8.onnx"), sides, rng, "_int8")
        np.savez_compressed(arguments.out / f"{name}.npz", **arrays)
        print(name, {k: v.shape for k, v in arrays.items() if k.startswith("desc")})
    modules = dict(torch=torch, torchvision=torchvision, timm=timm, onnx=onnx, numpy=np)
    versions = {name: module.__version__ for name, module in modules.items()}
    (arguments.out / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


main()
