#!/usr/bin/env python3
"""The peers' side of the `step` benchmark: one measurement for each line read, its seconds written back.

    python3 torch_step.py WEIGHTS.onnx THREADS

Lines: `forward nchw|nhwc|onnx BATCH`, `step nchw|nhwc BATCH`, `activation nchw|nhwc HEIGHT WIDTH`.
"""
import pathlib
import sys
import time

import onnxruntime
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"))
from sscd_onnx import float_model
from sscd_torch import Network

WEIGHTS, THREADS = sys.argv[1], int(sys.argv[2])
FORMATS = dict(nchw=torch.contiguous_format, nhwc=torch.channels_last)
MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
# Of the paper: strength 3 in the normalised space, less on channels that show more; the JND map is left out.
AMPLITUDE = 5 / 255 * 3 * STD * torch.tensor([0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114]).view(1, 3, 1, 1)

torch.set_num_threads(THREADS)
torch.manual_seed(0)
networks = {}


def network(layout):
    if layout not in networks:
        made = Network(WEIGHTS)
        made(torch.zeros(1, 3, 32, 32))  # casts the weights
        for name, values in made.cast.items():
            made.cast[name] = [v.contiguous(memory_format=FORMATS[layout]) if torch.is_tensor(v) and v.ndim == 4 else v for v in values]
        networks[layout] = made
    return networks[layout]


def session():
    if "onnx" not in networks:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        model = float_model(WEIGHTS).SerializeToString()
        networks["onnx"] = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return networks["onnx"]


# Passes of a measurement, as in `benches/step`.
IN_A_ROW = 5


def timed(work, times=IN_A_ROW):
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times


def forward(layout, batch):
    x = torch.randn(batch, 3, 288, 288)
    if layout == "onnx":
        run, x = session(), x.numpy()
        return timed(lambda: run.run(None, {"x": x}))
    net, x = network(layout), x.contiguous(memory_format=FORMATS[layout])
    with torch.no_grad():
        return timed(lambda: net(x))


def step(layout, batch):
    net = network(layout)
    x, target = torch.randn(batch, 3, 288, 288).contiguous(memory_format=FORMATS[layout]), torch.randn(batch, 512)

    def work():
        y = x.clone().requires_grad_(True)
        (net(y) * target).sum().backward()

    return timed(work)


def activation(layout, height, width):
    net, image = network(layout), torch.rand(1, 3, height, width)
    target = F.normalize(torch.randn(1, 512))

    def work():
        delta = (1e-6 * torch.randn_like(image)).requires_grad_(True)
        adam = torch.optim.Adam([delta], lr=1.0)
        for _ in range(10):
            change = AMPLITUDE * torch.tanh(delta)
            small = F.interpolate(image + change, (288, 288), mode="bilinear", antialias=True, align_corners=False)
            x = ((small - MEAN) / STD).contiguous(memory_format=FORMATS[layout])
            loss = -(net(x) * target).sum() + 0.01 * (change / STD).pow(2).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()

    return timed(work, 1)


print(f"PyTorch {torch.__version__}, onnxruntime {onnxruntime.__version__}", flush=True)
for line in sys.stdin:
    what, layout, *numbers = line.split()
    print(dict(forward=forward, step=step, activation=activation)[what](layout, *map(int, numbers)), flush=True)
