#!/usr/bin/env python3
"""Writes the golden data of this folder with PyTorch, torchvision and faiss, from public-domain samples.

    python3 -m venv PEER && PEER/bin/pip install torch torchvision faiss-cpu onnx numpy pillow
    PEER/bin/python make_goldens.py ../../weights/sscd_disc_mixup.onnx ../../samples .

Nothing here is shared with the Rust code: the network is torch.nn.functional's, the loop torch.optim.Adam, the
indexes are faiss's. The versions of the last run are in versions.json.
"""
import json
import pathlib
import sys

import faiss
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

from sscd_torch import Network

weights, samples, out = (pathlib.Path(a) for a in sys.argv[1:4])
network = Network(weights)
torch.manual_seed(0)
rng = np.random.default_rng(0)
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
STRENGTH = 3.0
CHANNELS = torch.tensor([0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114]).view(1, 3, 1, 1)


def resize(x):
    return torchvision.transforms.functional.resize(x, [288, 288], antialias=True)


def jnd(normalised):
    """Wu et al. 2017, as the method states it, from the normalised image."""
    y = ((normalised * STD + MEAN) * 255 * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    window = torch.tensor([[1, 1, 1, 1, 1], [1, 2, 2, 2, 1], [1, 2, 0, 2, 1], [1, 2, 2, 2, 1], [1, 1, 1, 1, 1.0]])
    background = F.conv2d(y, window.view(1, 1, 5, 5), padding=2) / 32
    dark = 17 * (1 - torch.sqrt(background / 127 + 1e-3)) + 3
    la = torch.where(background <= 127, dark, 3 / 128 * (background - 127) + 3)
    sobel = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1.0]])
    gx, gy = (F.conv2d(y, k.reshape(1, 1, 3, 3), padding=1) for k in (sobel, sobel.T))
    g = torch.sqrt(gx**2 + gy**2)
    cm = 0.117 * 16 * g**2.4 / (g**2 + 26**2)
    return torch.clamp(la + cm - 0.3 * torch.minimum(la, cm), min=5) / 255


def photo(name, box):
    return np.asarray(Image.open(samples / name).convert("RGB").crop(box))


def normalise(pixels):
    return (torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255 - MEAN) / STD


def reference():
    pixels = photo("05_grace_hopper.jpg", (60, 40, 348, 328))
    x = normalise(pixels).double().requires_grad_(True)
    descriptor = network(x)
    target = F.normalize(torch.randn(1, 512).double())
    (descriptor * target).sum().backward()
    np.savez_compressed(
        out / "sscd_reference.npz",
        input_u8=pixels,
        desc64=descriptor.detach().numpy(),
        target=target.float().numpy(),
        grad64=x.grad.numpy().astype(np.float32),
    )


def images():
    for i, (name, box) in enumerate([("00_astronaut.jpg", (150, 30, 270, 198)), ("17_igloo.jpg", (60, 60, 260, 156))]):
        pixels = photo(name, box)
        Image.fromarray(pixels).save(out / f"img{i}.png")
        x = normalise(pixels)
        np.savez_compressed(out / f"img{i}.npz", heatmap=jnd(x)[0].numpy(), resized_aa=resize(x)[0].numpy())


def trace():
    x = normalise(np.asarray(Image.open(out / "img0.png")))
    with torch.no_grad():
        descriptor = network(resize(x))
    # Stands for a reconstruction: near the descriptor, but not unit, and as far as 8 bytes are.
    target = 0.4 * descriptor + 0.5 * F.normalize(torch.randn(1, 512))
    amplitude = STRENGTH * CHANNELS * jnd(x)
    delta = (1e-6 * torch.randn_like(x)).requires_grad_(True)
    np.save(out / "delta0.npy", delta.detach()[0].numpy())
    np.savez_compressed(out / "img0_target.npz", pq_recons=target[0].numpy())
    adam = torch.optim.Adam([delta], lr=1.0)
    rows = []
    for iteration in range(10):
        changed = x + amplitude * torch.tanh(delta)
        loss_f = -F.cosine_similarity(network(resize(changed)), target).mean()
        loss_i = F.mse_loss(changed, x)
        loss = loss_f + 0.01 * loss_i
        mse = ((changed - x) * STD).detach().square().mean().item()
        rows.append(dict(gd_it=iteration, loss=loss.item(), psnr=-10 * np.log10(mse)))
        adam.zero_grad()
        loss.backward()
        adam.step()
    (out / "trace_engine.json").write_text(json.dumps(rows, indent=0))


def indexes():
    """Small files of every kind that is read here, with faiss's answers."""
    centres = rng.standard_normal((48, 32))
    draw = lambda n: (centres[rng.integers(0, 48, n)] + 0.6 * rng.standard_normal((n, 32))).astype(np.float32)
    train, base, queries = draw(16384), draw(2048), draw(64)
    np.save(out / "queries.npy", queries)
    np.save(out / "base.npy", base)
    metrics = dict(l2=faiss.METRIC_L2, ip=faiss.METRIC_INNER_PRODUCT)
    for factory, name in [("Flat", "flat"), ("IVF32,Flat", "ivf32_flat"), ("IVF32,PQ8x8", "ivf32_pq8x8")]:
        for metric, number in metrics.items():
            index = faiss.index_factory(32, factory, number)
            index.train(train)
            index.add(base)
            faiss.write_index(index, str(out / f"{name}_{metric}.index"))
            answers = {}
            for nprobe in (1, 4, 16) if factory != "Flat" else (1,):
                if factory != "Flat":
                    index.nprobe = nprobe
                distances, ids = index.search(queries, 10)
                answers |= {f"D_nprobe{nprobe}": distances, f"I_nprobe{nprobe}": ids}
            np.savez_compressed(out / f"{name}_{metric}_results.npz", **answers)
            if "PQ" in factory:
                index.make_direct_map()
                np.save(out / f"{name}_{metric}_reconstruct_first64.npy", index.reconstruct_n(0, 64))


reference()
images()
trace()
indexes()
versions = dict(torch=torch.__version__, torchvision=torchvision.__version__, faiss=faiss.__version__, numpy=np.__version__)
(out / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
