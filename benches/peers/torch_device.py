#!/usr/bin/env python3
"""The peers' side of the `device` benchmark: the seconds of one measurement for each line read.

    python3 torch_device.py WEIGHTS.onnx cpu|wgpu|cuda

Lines: `describe HOW BATCH`, `activate HOW BATCH SIDE STEPS`, `train faiss VECTORS`, `search faiss VECTORS QUERIES`, where HOW is
`eager-` or `compiled-` before `f32`, `tf32`, `bf16` or `f16`. Channels are last.
"""
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"))
from sscd_torch import Network

SIZE, D, IN_A_ROW, NPROBE, FACTORY = 288, 512, 5, 16, "IVF4096,PQ8x8"
# Whatever interface ours takes to a GPU, PyTorch takes CUDA.
DEVICE = torch.device("cuda" if sys.argv[2] != "cpu" and torch.cuda.is_available() else "cpu")
MEAN, STD = (torch.tensor(v, device=DEVICE).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
# Of the paper: strength 3 in the normalised space, less on channels that show more; the JND map is left out.
WEIGHTS = torch.tensor([0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114], device=DEVICE).view(1, 3, 1, 1)
AMPLITUDE = 5 / 255 * 3 * STD * WEIGHTS


class Module(torch.nn.Module):
    """The network with its weights on the device, in float32."""

    def __init__(self, path):
        super().__init__()
        self.network = Network(path)
        self.network.exact = {name: [self.placed(v) for v in values] for name, values in self.network.exact.items()}

    @staticmethod
    def placed(value):
        if not torch.is_tensor(value):
            return value
        value = value.to(DEVICE, torch.float32)
        return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value

    def forward(self, x):
        return self.network(x)


module = Module(sys.argv[1])
TYPES = dict(f32=torch.float32, tf32=torch.float32, bf16=torch.bfloat16, f16=torch.float16)
compiled = {}


def network(how):
    mode, precision = how.split("-")
    dtype = TYPES[precision]
    torch.set_float32_matmul_precision("highest" if precision == "f32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "f32"
    torch.backends.cudnn.benchmark = True
    module(torch.zeros(1, 3, 32, 32, device=DEVICE, dtype=dtype))  # weights of that type are made once
    if mode == "compiled" and how not in compiled:
        compiled[how] = torch.compile(module)
    made = compiled.get(how, module)
    return lambda x: made(x.to(dtype).contiguous(memory_format=torch.channels_last)).float()


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def timed(work):
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


def describe(how, batch):
    net, x = network(how), torch.randn(batch, 3, SIZE, SIZE, device=DEVICE)

    def work():
        with torch.no_grad():
            for _ in range(IN_A_ROW):
                net(x)

    return timed(work) / IN_A_ROW


def activate(how, batch, side, steps):
    net = network(how)
    image = torch.rand(batch, 3, side, side, device=DEVICE)
    target = F.normalize(torch.randn(batch, D, device=DEVICE))

    def work():
        delta = (1e-6 * torch.randn_like(image)).requires_grad_(True)
        adam = torch.optim.Adam([delta], lr=1.0)
        for _ in range(steps):
            change = AMPLITUDE * torch.tanh(delta)
            small = F.interpolate(image + change, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)
            cosine = (net((small - MEAN) / STD) * target).sum()
            loss = -cosine + 0.01 * (change / STD).square().mean((1, 2, 3)).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()

    return timed(work)


def vectors(count):
    return np.random.default_rng(0).standard_normal((count, D), dtype=np.float32)


def train(_, count):
    import faiss

    index, x = faiss.index_factory(D, FACTORY), vectors(count)
    return timed(lambda: index.train(x))


def search(_, count, queries):
    import faiss

    index, x = faiss.index_factory(D, FACTORY), vectors(count)
    index.train(x[:40960])
    index.add(x)
    index.nprobe = NPROBE
    return timed(lambda: index.search(vectors(queries), 10))


where = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "cpu"
print(f"PyTorch {torch.__version__} on {where}", flush=True)
for line in sys.stdin:
    what, how, *numbers = line.split()
    measures = dict(describe=describe, activate=activate, train=train, search=search)
    try:
        print(measures[what](how, *map(int, numbers)), flush=True)
    except Exception as error:  # the benchmark goes on, and says it
        print(f"{type(error).__name__}: {error}".splitlines()[0], flush=True)
