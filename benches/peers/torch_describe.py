#!/usr/bin/env python3
"""PyTorch's side of the `describe` benchmark: a figure for each line read.

    python3 torch_describe.py WEIGHTS.onnx THREADS BATCH SIZE FOLDER

`describe N` answers images a second, `activate N` the same of the first N images, `read N` milliseconds an image on one
thread.
"""
import pathlib
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from PIL import __version__ as pillow
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"))
from sscd_torch import Network

MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)


# Of the paper: strength 3 in the normalised space, less on channels that show more.
AMPLITUDE = 3 * STD * torch.tensor([0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114]).reshape(3, 1, 1)


class Photos(Dataset):
    """Normalised images of a folder. Pillow's own resize works on 8 bits: it is faster than that of tensors, and does
    not give what the network was trained on."""

    def __init__(self, folder, size):
        endings = (".jpg", ".png", ".webp")
        self.files = sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix in endings)
        self.size = (size, size)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        return self.prepared(self.pixels(i))[0]

    def pixels(self, i):
        image = ImageOps.exif_transpose(Image.open(self.files[i])).convert("RGB")
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255

    def prepared(self, pixels):
        small = F.interpolate(pixels, self.size, mode="bilinear", antialias=True, align_corners=False)
        return (small - MEAN) / STD


def describe(network, photos, batch, threads):
    # Workers are processes; with as many as cores, reading never waits for the network.
    loader = DataLoader(photos, batch_size=batch, num_workers=threads, prefetch_factor=2)
    start = time.perf_counter()
    with torch.no_grad():
        for images in loader:
            network(images)
    return len(photos) / (time.perf_counter() - start)


def jnd(pixels):
    """Wu et al. 2017."""
    y = (pixels * 255 * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    window = torch.tensor([[1, 1, 1, 1, 1], [1, 2, 2, 2, 1], [1, 2, 0, 2, 1], [1, 2, 2, 2, 1], [1, 1, 1, 1, 1.0]])
    background = F.conv2d(y, window.view(1, 1, 5, 5), padding=2) / 32
    dark = 17 * (1 - torch.sqrt(background / 127 + 1e-3)) + 3
    la = torch.where(background <= 127, dark, 3 / 128 * (background - 127) + 3)
    sobel = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1.0]])
    gx, gy = (F.conv2d(y, k.reshape(1, 1, 3, 3), padding=1) for k in (sobel, sobel.T))
    g2 = gx**2 + gy**2
    cm = 0.117 * 16 * g2**1.2 / (g2 + 26**2)
    return torch.clamp(la + cm - 0.3 * torch.minimum(la, cm), min=5) / 255


def release(network, photos, i, target, out):
    """One image, ten steps; what it gained is described, but its quality is not measured."""
    original = photos.pixels(i)
    with torch.no_grad():
        network(photos.prepared(original))
    amplitude = AMPLITUDE * jnd(original)
    delta = (1e-6 * torch.randn_like(original)).requires_grad_(True)
    adam = torch.optim.Adam([delta], lr=1.0)
    for _ in range(10):
        change = amplitude * torch.tanh(delta)
        cosine = F.cosine_similarity(network(photos.prepared(original + change)), target)
        loss = -cosine.sum() + 0.01 * (change / STD).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        levels = ((original + amplitude * torch.tanh(delta)).clamp(0, 1) * 255).round()
        network(photos.prepared(levels / 255))
    Image.fromarray(levels[0].permute(1, 2, 0).byte().numpy()).save(pathlib.Path(out) / f"{i}.png")


def activate(network, photos, count):
    """The target is of any direction: an index would take no time."""
    count, target = min(count, len(photos)), F.normalize(torch.randn(1, 512))
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        for i in range(count):
            release(network, photos, i, target, out)
        return count / (time.perf_counter() - start)


def read(photos):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.perf_counter()
    for i in range(len(photos)):
        photos[i]
    seconds = time.perf_counter() - start
    torch.set_num_threads(threads)
    return 1e3 * seconds / len(photos)


def main():
    weights, threads, batch, size, folder = sys.argv[1:]
    network, photos = Network(weights), Photos(folder, int(size))
    torch.set_num_threads(int(threads))
    print(f"PyTorch {torch.__version__} with Pillow {pillow}", flush=True)
    torch.manual_seed(0)
    for line in sys.stdin:
        what, count = line.split()
        measures = dict(
            activate=lambda: activate(network, photos, int(count)),
            describe=lambda: describe(network, photos, int(batch), int(threads)),
            read=lambda: read(photos),
        )
        print(measures[what](), flush=True)


if __name__ == "__main__":
    main()
