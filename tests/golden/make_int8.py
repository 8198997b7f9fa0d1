#!/usr/bin/env python3
"""Writes int8_samples.npy: descriptors of the sample photographs by the published int8 network, run as it is.

    PEER/bin/pip install onnxruntime numpy pillow
    PEER/bin/python make_int8.py ../../weights/sscd_disc_mixup.onnx ../../samples .

onnxruntime quantises activations too, which this project leaves out: what it computes from the same file must be close.
Rows are in the order of the files' names.
"""
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image

weights, samples, out = (pathlib.Path(a) for a in sys.argv[1:4])
session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
(name,) = (i.name for i in session.get_inputs())


def describe(path):
    """The file normalises `[n, h, w, 3]` in 8 bits itself."""
    pixels = Image.open(path).convert("RGB").resize((288, 288), Image.Resampling.BILINEAR)
    return session.run(None, {name: np.asarray(pixels)[None]})[0]


descriptors = np.concatenate([describe(path) for path in sorted(samples.glob("*.jpg"))])
print(descriptors.shape, np.linalg.norm(descriptors, axis=1).min())
np.save(out / "int8_samples.npy", descriptors.astype(np.float32))
