#!/usr/bin/env python3
"""PyTorch's side of the `describe` benchmark: a figure for each line read.

    python3 torch_describe.py WEIGHTS.onnx THREADS BATCH SIZE FOLDER

`describe` answers images a second, `read` milliseconds an image on one thread.
"""
import pathlib
import sys
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
        image = ImageOps.exif_transpose(Image.open(self.files[i])).convert("RGB")
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
        small = F.interpolate(pixels, self.size, mode="bilinear", antialias=True, align_corners=False)[0]
        return (small - MEAN) / STD


def describe(network, photos, batch, threads):
    # Workers are processes; with as many as cores, reading never waits for the network.
    loader = DataLoader(photos, batch_size=batch, num_workers=threads, prefetch_factor=2)
    start = time.perf_counter()
    with torch.no_grad():
        for images in loader:
            network(images)
    return len(photos) / (time.perf_counter() - start)


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
    for line in sys.stdin:
        what = line.strip()
        print(read(photos) if what == "read" else describe(network, photos, int(batch), int(threads)), flush=True)


if __name__ == "__main__":
    main()
