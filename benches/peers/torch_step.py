#!/usr/bin/env python3
"""PyTorch's side of the `step` benchmark: one measurement for each line read, its seconds written back.

    python3 torch_step.py WEIGHTS.onnx THREADS
"""
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"))
from sscd_torch import Network

network = Network(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(0)


def forward(x, target):
    with torch.no_grad():
        network(x)


def step(x, target):
    x = x.clone().requires_grad_(True)
    (network(x) * target).sum().backward()


print(f"PyTorch {torch.__version__}", flush=True)
for line in sys.stdin:
    what, batch = line.split()
    x, target = torch.randn(int(batch), 3, 288, 288), torch.randn(int(batch), 512)
    start = time.perf_counter()
    dict(forward=forward, step=step)[what](x, target)
    print(time.perf_counter() - start, flush=True)
