"""JPEG files of any sampling factors and any scans, which no common encoder writes: a scan for each component, and colour
sampled more finely than brightness. The encoder is ITU-T T.81 with the tables of its annex K; libjpeg, by Pillow, says
which pixels are in the files.
"""
import struct

import numpy as np

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))
DC = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), bytes(range(12))
AC = (bytes([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125]), bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a"
    "535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7"
    "c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"))
COSINES = np.cos(np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16) * np.where(np.arange(8) == 0, 8**-0.5, 0.5)[:, None]


def codes(table):
    code, found, symbols = 0, {}, iter(table[1])
    for length, count in enumerate(table[0], 1):
        for _ in range(count):
            found[next(symbols)] = f"{code:0{length}b}"
            code += 1
        code <<= 1
    return found


DC_CODES, AC_CODES = codes(DC), codes(AC)


def value_bits(value):
    size = int(abs(value)).bit_length()
    return size, f"{value if value > 0 else value + 2**size - 1:0{size}b}" if size else ""


def block_bits(block, before, first, last):
    """Codes of the coefficients `first` to `last` of a block, whose DC is a difference from `before`."""
    bits = ""
    if first == 0:
        size, tail = value_bits(int(block[0] - before))
        bits, first = DC_CODES[size] + tail, 1
    if last == 0:
        return bits
    zeros = 0
    for value in block[first : last + 1]:
        if value == 0:
            zeros += 1
            continue
        bits += AC_CODES[0xF0] * (zeros // 16)
        size, tail = value_bits(int(value))
        bits, zeros = bits + AC_CODES[zeros % 16 << 4 | size] + tail, 0
    return bits + (AC_CODES[0] if zeros else "")


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


class Plane:
    """Quantised blocks of one component: [down, across, 64], padded to whole units."""

    def __init__(self, samples, factors, most, size, step):
        (self.h, self.v), (width, height) = factors, size
        units = [-(-height // (8 * most[1])), -(-width // (8 * most[0]))]
        # Blocks of a scan of this component alone.
        self.down, self.across = -(-(-(-height * self.v // most[1])) // 8), -(-(-(-width * self.h // most[0])) // 8)
        # Samples are averages over what each stands for.
        fy, fx = most[1] // self.v, most[0] // self.h
        full = np.pad(samples, [(0, units[0] * most[1] * 8 - height), (0, units[1] * most[0] * 8 - width)], mode="edge").astype(float)
        coarse = full.reshape(full.shape[0] // fy, fy, full.shape[1] // fx, fx).mean((1, 3))
        blocks = coarse.reshape(coarse.shape[0] // 8, 8, coarse.shape[1] // 8, 8).swapaxes(1, 2) - 128
        self.blocks = np.round(COSINES @ blocks @ COSINES.T / step).astype(int).reshape(*blocks.shape[:2], 64)[..., ZIGZAG]

    def unit(self, y, x):
        return [self.blocks[y * self.v + j, x * self.h + i] for j in range(self.v) for i in range(self.h)]


def entropy_coded(planes, units, interval, first, last):
    out, bits, before = b"", "", [0] * len(planes)

    def flushed(bits):
        bits += "1" * (-len(bits) % 8)
        return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")

    order = [(y, x) for y in range(units[0]) for x in range(units[1])]
    for n, (y, x) in enumerate(order):
        if interval and n and n % interval == 0:
            out, bits, before = out + flushed(bits) + bytes([0xFF, 0xD0 + (n // interval - 1) % 8]), "", [0] * len(planes)
        for i, plane in enumerate(planes):
            for block in [plane.blocks[y, x]] if len(planes) == 1 else plane.unit(y, x):
                bits += block_bits(block, before[i], first, last)
                before[i] = block[0]
    return out + flushed(bits)


def encoded(components, sampling, scans, interval=0, progressive=False, head=b"", ids=None, step=3):
    """A file of components [h, w, n], with sampling factors (h, v) each, and scans of components' places."""
    height, width, count = components.shape
    most = [max(factors[axis] for factors in sampling) for axis in (0, 1)]
    planes = [Plane(components[..., i], sampling[i], most, (width, height), step) for i in range(count)]
    ids = ids or bytes(range(1, count + 1))
    frame = struct.pack(">B2HB", 8, height, width, count) + b"".join(bytes([ids[i], sampling[i][0] << 4 | sampling[i][1], 0]) for i in range(count))
    out = b"\xff\xd8" + head + segment(0xDB, bytes([0] + [step] * 64)) + segment(0xC2 if progressive else 0xC0, frame)
    out += segment(0xC4, b"\0" + DC[0] + DC[1]) + segment(0xC4, b"\x10" + AC[0] + AC[1])
    if interval:
        out += segment(0xDD, struct.pack(">H", interval))
    parts = [(scan, 0, 63) for scan in scans]
    if progressive:
        parts = [(scan, 0, 0) for scan in scans] + [([i], *band) for i in range(count) for band in [(1, 5), (6, 63)]]
    for scan, first, last in parts:
        used = [planes[i] for i in scan]
        units = (used[0].down, used[0].across) if len(used) == 1 else (-(-height // (8 * most[1])), -(-width // (8 * most[0])))
        header = bytes([len(scan)]) + b"".join(bytes([ids[i], 0]) for i in scan) + bytes([first, last, 0])
        out += segment(0xDA, header) + entropy_coded(used, units, interval, first, last)
    return out + b"\xff\xd9"


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


def name_of(sampling):
    return "_".join(f"{h}x{v}" for h, v in sampling)


APART = [[0], [1], [2]]
SPLIT = [[0], [1, 2]]
# libjpeg cannot decode sampling factors that do not divide each other.
SUBSAMPLED = [[(2, 2), (1, 1), (1, 1)], [(2, 1), (1, 1), (1, 1)], [(1, 2), (1, 1), (1, 1)], [(4, 1), (1, 1), (1, 1)], [(1, 1)] * 3, [(2, 2)] * 3,
              [(1, 4), (1, 1), (1, 1)], [(2, 2), (2, 1), (1, 2)], [(2, 2), (1, 1), (2, 2)], [(4, 2), (1, 1), (1, 1)], [(4, 1), (4, 1), (1, 1)]]
FINER = [[(1, 1), (2, 2), (2, 2)], [(1, 1), (2, 1), (2, 1)], [(1, 1), (1, 2), (1, 2)], [(1, 2), (2, 1), (2, 1)], [(2, 1), (1, 2), (1, 1)],
         [(1, 1), (1, 1), (2, 2)], [(1, 1), (2, 2), (1, 1)], [(2, 2), (4, 1), (1, 1)], [(1, 1), (4, 1), (4, 1)]]


def cases(ycc, inks):
    """Files of YCbCr [h, w, 3] and of inverted inks [h, w, 4]."""
    for sampling in SUBSAMPLED:
        for scans in [APART, SPLIT]:
            for interval in [0, 2, 5]:
                if interval and (sampling[0] == (1, 1) or scans is SPLIT and interval == 5):
                    continue
                name = f"jpeg_{'apart' if scans is APART else 'split'}_{name_of(sampling)}_{f'restart_{interval}' * bool(interval)}".rstrip("_")
                yield f"{name}.jpg", encoded(ycc, sampling, scans, interval, head=JFIF)
    for sampling in FINER:
        name = f"jpeg_finer_colour_{name_of(sampling)}"
        yield f"{name}.jpg", encoded(ycc, sampling, [[0, 1, 2]], head=JFIF)
        yield f"{name}_restart.jpg", encoded(ycc, sampling, [[0, 1, 2]], 3)
        if (2, 2) not in sampling or (4, 1) not in sampling:
            yield f"{name}_apart.jpg", encoded(ycc, sampling, APART, head=JFIF)
            yield f"{name}_progressive.jpg", encoded(ycc, sampling, [[0, 1, 2]], head=JFIF, progressive=True)
    for sampling in [[(3, 1), (1, 1), (1, 1)], [(1, 3), (1, 1), (1, 1)], [(4, 1), (2, 1), (2, 1)], [(2, 2), (2, 1), (1, 2)]]:
        for progressive in [False, True]:
            yield f"jpeg_{name_of(sampling)}{'_progressive' * progressive}.jpg", encoded(ycc, sampling, [[0, 1, 2]], head=JFIF, progressive=progressive)
    turned = [(2, 2), (1, 1), (1, 1)]
    yield "jpeg_apart_in_another_order.jpg", encoded(ycc, turned, [[2], [0], [1]], head=JFIF)
    yield "jpeg_apart_rgb_by_names.jpg", encoded(ycc, [(1, 1)] * 3, APART, ids=b"RGB")
    yield "jpeg_apart_rgb_by_adobe.jpg", encoded(ycc, [(1, 1)] * 3, APART, head=adobe(0))
    yield "jpeg_apart_ycbcr_by_adobe.jpg", encoded(ycc, turned, APART, head=adobe(1), ids=b"RGB")
    yield "jpeg_apart_jfif_and_adobe.jpg", encoded(ycc, turned, APART, head=JFIF + adobe(0))
    for transform, sampling in [(0, [(1, 1)] * 4), (2, [(1, 1)] * 4), (2, [(2, 2), (1, 1), (1, 1), (2, 2)]), (0, [(2, 1), (1, 1), (1, 1), (2, 1)])]:
        for scans in [[[0], [1], [2], [3]], [[0, 1, 2], [3]]]:
            name = f"jpeg_{'ycck' if transform else 'cmyk'}_{'apart' if len(scans) == 4 else 'split'}_{name_of(sampling)}.jpg"
            yield name, encoded(inks, sampling, scans, 2, head=adobe(transform))
    for factors in [(2, 2), (1, 2), (4, 1)]:
        yield f"jpeg_grey_sampled_{factors[0]}x{factors[1]}.jpg", encoded(ycc[..., :1], [factors], [[0]], 3, head=JFIF)


def refused(ycc):
    """Files to refuse, and a part of the reason."""
    between = [(4, 1), (2, 1), (2, 1)]
    yield "jpeg_apart_between.jpg", encoded(ycc, between, APART, head=JFIF), "of three or more samplings is not supported"
    yield "jpeg_apart_3x1_2x1_2x1.jpg", encoded(ycc, [(1, 1), (2, 1), (3, 1)], [[0, 1, 2]], head=JFIF), "do not divide each other"
    whole = encoded(ycc, [(2, 2), (1, 1), (1, 1)], APART, head=JFIF)
    last = whole.rindex(b"\xff\xda")
    yield "jpeg_apart_without_last_scan.jpg", whole[:last] + b"\xff\xd9", "JPEG"
    yield "jpeg_apart_cut_and_closed.jpg", whole[: last - 40] + b"\xff\xd9", "JPEG data ends too early"
    yield "jpeg_apart_cut.jpg", whole[:-60], "JPEG data ends too early"
