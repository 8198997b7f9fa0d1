#!/usr/bin/env python3
"""Makes `corpus.zip`: awkward image files, what Pillow and LittleCMS see in them, and what must be refused.

    pip install pillow numpy tifffile imagecodecs && python3 make_images.py

In the archive are `files/NAME` and `expected.json`: for each name either
{"pixels": KEY, "tolerance": LEVELS} with an array [h, w, 3] of the expected sRGB pixels, uint8 or uint16, in
`references.npz`, or {"error": TEXT} with a part of the one line that refuses it. `tolerance` is in levels of 8 bits, or
of 16 for arrays of 16. All pictures are drawn here.
"""
import io
import json
import pathlib
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

import jpeg_arrangements
import tiff_arrangements

WIDTH, HEIGHT = 44, 30
# Rounding, in Pillow or here: one level.
ROUNDED = 1
# IDCTs and colour conversions of JPEG may each round differently (ITU-T T.83 allows an IDCT one level).
JPEG = 2
# Chroma is interpolated from neighbours, and YCbCr multiplies its rounding by up to 1.8.
SUBSAMPLED = 4

# Otherwise LittleCMS converts by a table of its own making, which is several levels off.
EXACT = ImageCms.Flags.NOOPTIMIZE

cases, references = {}, {}
files = {}


def drawn(width=WIDTH, height=HEIGHT, depth=8):
    """A smooth picture with a disc: [h, w, 3]."""
    top = 2**depth - 1
    y, x = np.mgrid[0:height, 0:width].astype(float)
    x, y = x / max(width - 1, 1), y / max(height - 1, 1)
    rgb = np.stack([0.15 + 0.7 * x, 0.2 + 0.6 * y, 0.8 - 0.5 * x * y], -1)
    disc = (x - 0.6) ** 2 + (y - 0.4) ** 2 < 0.06
    rgb[disc] = rgb[disc] * 0.4 + np.array([0.55, 0.1, 0.05])
    return np.round(rgb * top).astype(np.uint8 if depth == 8 else np.uint16)


def alpha(width=WIDTH, height=HEIGHT, depth=8):
    """From nothing to all, left to right."""
    top = 2**depth - 1
    ramp = np.round(np.linspace(-0.2, 1.2, width).clip(0, 1) * top)
    return np.broadcast_to(ramp, (height, width)).astype(np.uint8 if depth == 8 else np.uint16)


def on_white(rgb, a):
    top = np.iinfo(rgb.dtype).max
    share = a[..., None].astype(np.float64) / top
    return np.round(rgb * share + top * (1 - share)).astype(rgb.dtype)


def ok(name, data, pixels, tolerance=0):
    assert name not in cases, name
    files[name] = data
    key = name.replace(".", "_")
    references[key] = np.ascontiguousarray(pixels)
    assert pixels.ndim == 3 and pixels.shape[2] == 3, (name, pixels.shape)
    cases[name] = {"pixels": key, "tolerance": tolerance}


def refused(name, data, reason):
    assert name not in cases, name
    files[name] = data
    cases[name] = {"error": reason}


def save(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seen(data, profile=False):
    """What Pillow sees: upright, converted, on white."""
    image = Image.open(io.BytesIO(data))
    image.load()
    icc = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if profile and icc:
        image = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), outputMode="RGB", flags=EXACT
        )
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = np.asarray(image.convert("RGBA"))
        return on_white(image[..., :3], image[..., 3])
    return np.asarray(image.convert("RGB"))


rgb = drawn()
picture = Image.fromarray(rgb)
grey = picture.convert("L")


# Profiles, written by hand: nothing is taken from a vendor's.


def s15(value):
    return struct.pack(">i", round(value * 65536))


def xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(map(s15, values))


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def text(kind, words):
    if kind == "desc":
        body = b"desc\0\0\0\0" + struct.pack(">I", len(words) + 1) + words + b"\0" * (1 + 4 + 4 + 2 + 1 + 67)
    else:
        body = b"text\0\0\0\0" + words + b"\0"
    return body + b"\0" * (-len(body) % 4)


def profile(device_class, space, pcs, tags):
    tags = [(b"desc", text("desc", b"test")), (b"cprt", text("text", b"CC0")), (b"wtpt", xyz((0.9642, 1, 0.8249)))] + tags
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags:
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s4sI4s4sQI", size, b"test", 0x02400000, device_class, space, pcs,
                         struct.pack(">6H", 2024, 1, 1, 0, 0, 0), b"acsp", b"\0" * 4, 0, b"\0" * 4, b"\0" * 4, 0, 0)
    header += s15(0.9642) + s15(1) + s15(0.8249)
    return header + b"\0" * (128 - len(header)) + struct.pack(">I", len(tags)) + table + body


# Primaries of a wide space, adapted to D50 (those of Adobe RGB, 1998).
WIDE = profile(b"mntr", b"RGB ", b"XYZ ", [
    (b"rXYZ", xyz((0.60974, 0.31111, 0.01947))), (b"gXYZ", xyz((0.20528, 0.62567, 0.06087))),
    (b"bXYZ", xyz((0.14919, 0.06322, 0.74457))),
    (b"rTRC", curve(2.19921875)), (b"gTRC", curve(2.19921875)), (b"bTRC", curve(2.19921875)),
])
GREY_18 = profile(b"mntr", b"GRAY", b"XYZ ", [(b"kTRC", curve(1.8))])


def table(entries):
    """A curve of levels."""
    return b"curv\0\0\0\0" + struct.pack(">I", len(entries)) + np.round(entries * 65535).astype(">u2").tobytes() + b"\0" * (len(entries) % 2 * 2)


def parametric(kind, *numbers):
    return b"para\0\0\0\0" + struct.pack(">2H", kind, 0) + b"".join(map(s15, numbers))


def grey_profiles():
    """Curves of grey, to lightness and to luminance."""
    steps = np.linspace(0, 1, 511)
    curves = {"gamma": curve(1.3), "identity": b"curv\0\0\0\0" + bytes(4), "table_511": table(steps**0.9), "table_2": table(np.array([0, 0.9])),
              "table_dark": table(steps**3 * 0.5), "para_0": parametric(0, 1.2), "para_3": parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
              "para_4": parametric(4, 1.8, 0.9, 0.1, 0.5, 0.05, 0.0, 0.0)}
    for name, body in curves.items():
        for space, code in [("lab", b"Lab "), ("xyz", b"XYZ ")]:
            yield f"{name}_{space}", profile(b"mntr", b"GRAY", code, [(b"kTRC", body)])


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def inks_to_lab(points=9):
    """A table from four inks to Lab, of an imaginary printer."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, points)] * 4, indexing="ij"), -1).reshape(-1, 4)
    c, m, y, k = grid.T
    lightness = 100 * (1 - 0.45 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - 0.85 * k)
    a = (-35 * c + 70 * m - 5 * y) * (1 - k)
    b = (-45 * c - 5 * m + 85 * y) * (1 - k)
    # Lab of 16 bits as version 2 has it: 100 is 0xFF00, a and b are offset by 128.
    return np.stack([lightness * 652.8, (a + 128) * 256, (b + 128) * 256], -1).round().clip(0, 65535).astype(">u2")


def table_profile(points=9):
    identity = np.eye(3).ravel()
    ramp = struct.pack(">2H", 0, 65535)
    lut = b"mft2\0\0\0\0" + bytes([4, 3, points, 0]) + b"".join(map(s15, identity)) + struct.pack(">2H", 2, 2)
    lut += ramp * 4 + inks_to_lab(points).tobytes() + ramp * 3
    return profile(b"prtr", b"CMYK", b"Lab ", [(b"A2B0", lut)])


INKS = table_profile()


def exif(orientation, thumbnail=False):
    tags = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + tags
    if not thumbnail:
        return block + b"\0\0\0\0"
    small = save(Image.fromarray(drawn(16, 10)), "JPEG")
    start = len(block) + 4
    second = struct.pack("<H", 2) + struct.pack("<HHII", 0x0201, 4, 1, start + 2 + 24 + 4)
    second += struct.pack("<HHII", 0x0202, 4, 1, len(small)) + b"\0\0\0\0"
    return block + struct.pack("<I", start) + second + small


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6">Drawn for a test</rdf></x:xmpmeta>'
XMP_ELEMENT = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>'


def exif_without():
    """EXIF with a width, without an orientation."""
    return b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0100, 3, 1, WIDTH, 0) + bytes(4)


def jpeg_cases():
    best = dict(quality=95, subsampling=0)
    plain = save(picture, "JPEG", **best)
    ok("jpeg_baseline.jpg", plain, seen(plain), JPEG)
    for name, options, tolerance in [
        ("420", dict(quality=90, subsampling=2), SUBSAMPLED), ("422", dict(quality=90, subsampling=1), SUBSAMPLED),
        ("progressive", dict(progressive=True, **best), JPEG),
        ("progressive_420", dict(progressive=True, quality=90, subsampling=2), SUBSAMPLED),
        ("optimised", dict(optimize=True, **best), JPEG), ("restarts", dict(restart_marker_blocks=3, **best), JPEG),
        ("quality_1", dict(quality=1, subsampling=0), JPEG), ("quality_100", dict(quality=100, subsampling=0), JPEG),
        ("rgb", dict(keep_rgb=True, **best), JPEG),
    ]:
        data = save(picture, "JPEG", **options)
        ok(f"jpeg_{name}.jpg", data, seen(data), tolerance)
    for name, options in [("444", best), ("420", dict(quality=90, subsampling=2)), ("progressive", dict(progressive=True, **best))]:
        data = save(picture, "JPEG", **options)
        jfif, adobe = data[2:20], b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
        for order, both in [("jfif_first", jfif + adobe), ("adobe_first", adobe + jfif)]:
            claims = data[:2] + both + data[20:]
            assert (seen(claims) == seen(data)).all()
            ok(f"jpeg_{name}_jfif_and_adobe_{order}.jpg", claims, seen(data), SUBSAMPLED if name == "420" else JPEG)
    stored = save(picture, "JPEG", keep_rgb=True, **best)
    ids = renumbered(stored)
    ok("jpeg_rgb_by_adobe_only.jpg", ids, seen(ids), JPEG)
    for size in [(1, 1), (1, 500), (500, 1), (9, 7), (17, 33)]:
        data = save(Image.fromarray(drawn(*size)), "JPEG", **best)
        ok(f"jpeg_{size[0]}x{size[1]}.jpg", data, seen(data), JPEG)
    data = save(grey, "JPEG", quality=95)
    ok("jpeg_grey.jpg", data, seen(data), JPEG)
    data = save(grey, "JPEG", quality=95, progressive=True)
    ok("jpeg_grey_progressive.jpg", data, seen(data), JPEG)
    for orientation in range(1, 9):
        data = save(picture, "JPEG", exif=b"Exif\0\0" + exif(orientation, thumbnail=orientation == 6), **best)
        assert seen(data).shape == ((HEIGHT, WIDTH, 3) if orientation < 5 else (WIDTH, HEIGHT, 3))
        ok(f"jpeg_orientation_{orientation}.jpg", data, seen(data), JPEG)
    for name, block in [("orientation_9", exif(9)), ("cut", exif(6)[:12]), ("noise", b"\x93\x01" * 40),
                        ("loop", b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 30), ("empty", b"")]:
        data = save(picture, "JPEG", exif=b"Exif\0\0" + block, **best)
        ok(f"jpeg_exif_{name}.jpg", data, np.asarray(Image.open(io.BytesIO(plain))), JPEG)
    for order in "<>":
        for kind, code in [(1, "B"), (3, "H"), (4, "I"), (6, "b"), (8, "h"), (9, "i")]:
            entry = struct.pack(f"{order}HHI", 0x0112, kind, 1) + struct.pack(f"{order}{code}", 6).ljust(4, b"\0")
            block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)
            data = save(picture, "JPEG", exif=b"Exif\0\0" + block, **best)
            # Pillow reads all of these types but bytes, which mean the same.
            turned = seen(data) if kind != 1 else np.rot90(seen(data), -1)
            assert turned.shape == (WIDTH, HEIGHT, 3), kind
            ok(f"jpeg_orientation_of_type_{kind}_{'little' if order == '<' else 'big'}.jpg", data, turned, JPEG)
    data = save(picture, "JPEG", xmp=XMP, **best)
    ok("jpeg_xmp.jpg", data, seen(data), JPEG)
    for name, block, xmp in [("only", None, XMP), ("in_an_element", None, XMP_ELEMENT), ("beside_exif_without", exif_without(), XMP),
                             ("beside_exif_upright", exif(1), XMP), ("beside_exif_9", exif(9), XMP), ("beside_exif_3", exif(3), XMP)]:
        options = dict(exif=b"Exif\0\0" + block) if block else {}
        data = save(picture, "JPEG", xmp=xmp, **options, **best)
        ok(f"jpeg_xmp_orientation_{name}.jpg", data, seen(data), JPEG)
    for name, icc, converts in [("wide", WIDE, True), ("srgb", SRGB, False), ("noise", b"\x11\x22" * 300, False),
                                ("cut", WIDE[:200], False), ("empty", b"", False), ("grey_for_colours", GREY_18, False),
                                ("inks_for_colours", INKS, False)]:
        data = save(picture, "JPEG", icc_profile=icc, **best)
        # The wide space stretches colours, and what the decoders differ by.
        tolerance = 2 * JPEG + ROUNDED if converts else JPEG
        ok(f"jpeg_profile_{name}.jpg", data, seen(data, profile=True) if converts else seen(plain), tolerance)
    data = save(grey, "JPEG", quality=95, icc_profile=GREY_18)
    ok("jpeg_grey_profile_grey.jpg", data, seen(data, profile=True), JPEG)
    data = save(grey, "JPEG", quality=95, icc_profile=WIDE)
    ok("jpeg_grey_profile_wide.jpg", data, converted_as_rgb(data, WIDE), JPEG)
    for name, icc in grey_profiles():
        data = save(grey, "PNG", icc_profile=icc)
        ok(f"png_grey_profile_{name}.png", data, seen(data, profile=True), ROUNDED)
        data = save(grey, "JPEG", quality=95, icc_profile=icc)
        # Curves are steep near black.
        ok(f"jpeg_grey_profile_{name}.jpg", data, seen(data, profile=True), 2 * JPEG)
    inks = save(picture.convert("CMYK"), "JPEG", **best)
    ok("jpeg_cmyk.jpg", inks, seen(inks), JPEG)
    ycck = patched(inks, inks.index(b"Adobe") + 11, b"\x02")
    ok("jpeg_ycck.jpg", ycck, seen(ycck), SUBSAMPLED)
    data = save(inky(), "JPEG", icc_profile=INKS, **best)
    # Each ink may be two levels off, and the table's slopes add them up.
    ok("jpeg_cmyk_profile.jpg", data, seen(data, profile=True), 4)
    ok("jpeg_trailing_bytes.jpg", plain + b"\0" * 100 + b"more", seen(plain), JPEG)
    ok("jpeg_followed_by_a_cut_one.jpg", plain + plain[:300], seen(plain), JPEG)
    frame = plain.index(b"\xff\xc0")
    ok("jpeg_bytes_between_headers.jpg", plain[:frame] + b"\x00" * 9 + plain[frame:], seen(plain), JPEG)
    ok("jpeg_fill_bytes.jpg", plain[:frame] + b"\xff" * 9 + plain[frame:], seen(plain), JPEG)
    ok("jpeg_called.png", plain, seen(plain), JPEG)
    for name, at, value, reason in [
        ("12_bits", frame + 4, b"\x0c", "12 bits"), ("lossless", frame + 1, b"\xc3", "lossless"),
        ("arithmetic", frame + 1, b"\xc9", "arithmetic"), ("hierarchical", frame + 1, b"\xc5", "hierarchical"),
        ("30000x30000", frame + 5, struct.pack(">2H", 30000, 30000), "30000 x 30000"),
        ("0x0", frame + 5, bytes(4), "0 x 0"), ("no_height", frame + 5, bytes(2), "44 x 0"),
        ("no_components", frame + 9, b"\0", "JPEG"), ("7_components", frame + 9, b"\x07", "JPEG"),
        ("higher_than_its_data", frame + 5, struct.pack(">H", 300), "JPEG"),
    ]:
        refused(f"jpeg_{name}.jpg", patched(plain, at, value), reason)
    noisy = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    long = save(noisy, "JPEG", quality=75)
    for name, image, options in [("444", picture, best), ("420", picture, dict(quality=90, subsampling=2)), ("grey", grey, best),
                                 ("restarts", picture, dict(restart_marker_blocks=2, quality=90, subsampling=2)),
                                 ("optimised", picture, dict(optimize=True, **best))]:
        data = save(image, "JPEG", **options)
        tolerance = SUBSAMPLED if options.get("subsampling") else JPEG
        for count in [1, 2, 7, 40]:
            longer = data[:-2] + bytes([0x5a, 0x17, 0x81] * 14)[:count] + data[-2:]
            assert (seen(longer) == seen(data)).all()
            ok(f"jpeg_{name}_{count}_bytes_behind_its_codes.jpg", longer, seen(data), tolerance)
        if name == "restarts":
            start = data.index(b"\xff\xda")
            for count in [1, 4, 9]:
                longer, at = bytearray(data[:start]), start
                for at in range(start, len(data)):
                    if data[at] == 0xff and data[at + 1] in range(0xd0, 0xd8):
                        longer += bytes([0x55, 0x66, 0x77] * 3)[:count]
                    longer.append(data[at])
                assert (seen(bytes(longer)) == seen(data)).all()
                ok(f"jpeg_{count}_bytes_before_restarts.jpg", bytes(longer), seen(data), tolerance)
        if name != "optimised":
            bare = without_tables(data)
            assert (seen(bare) == seen(data)).all()
            ok(f"jpeg_{name}_without_tables.jpg", bare, seen(data), tolerance)
            if name == "444":
                half = without_tables(data, only={0x01, 0x11})
                ok("jpeg_without_tables_of_chroma.jpg", half, seen(half), tolerance)
    steps = save(noisy, "JPEG", quality=75, progressive=True)
    for i in range(1, 11):
        refused(f"jpeg_cut_{i}.jpg", long[: len(long) * i // 11], "JPEG data ends too early" if i > 1 else "JPEG")
    for i in [3, 6, 9]:
        refused(f"jpeg_progressive_cut_{i}.jpg", steps[: len(steps) * i // 11], "JPEG")
    refused("jpeg_cut_and_closed.jpg", long[: len(long) // 2] + b"\xff\xd9", "JPEG")
    middle = len(long) * 2 // 3
    refused("jpeg_marker_in_the_middle.jpg", patched(long, middle, b"\xff\xc4\0\x02"), "JPEG")
    last = steps.rindex(b"\xff\xda")
    refused("jpeg_1000_scans.jpg", steps[:last] + steps[last:-2] * 1000 + steps[-2:], "JPEG")
    refused("jpeg_start_only.jpg", b"\xff\xd8\xff", "JPEG")
    refused("jpeg_ends_at_once.jpg", b"\xff\xd8\xff\xd9", "JPEG")


def without_tables(data, only={0x00, 0x01, 0x10, 0x11}):
    """A JPEG file without some of its Huffman tables, each of which has a segment."""
    at, kept = 2, data[:2]
    while data[at + 1] != 0xda:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        kept += b"" if data[at + 1] == 0xc4 and data[at + 4] in only else data[at:end]
        at = end
    assert len(kept) < at
    return kept + data[at:]


def inky():
    c = np.linspace(0, 200, WIDTH).astype(np.uint8)[None].repeat(HEIGHT, 0)
    m = np.linspace(0, 180, HEIGHT).astype(np.uint8)[:, None].repeat(WIDTH, 1)
    return Image.merge("CMYK", [Image.fromarray(v) for v in (c, m, np.full_like(c, 60), np.full_like(c, 30))])


def converted_as_rgb(data, icc):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return np.asarray(ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB", flags=EXACT))


def renumbered(data):
    """Components R, G, B called 1, 2, 3: that they are no YCbCr is then said by Adobe's segment alone."""
    frame, scan = data.index(b"\xff\xc0") + 10, data.index(b"\xff\xda") + 5
    for i in range(3):
        data = patched(data, frame + 3 * i, bytes([i + 1]))
        data = patched(data, scan + 2 * i, bytes([i + 1]))
    return data


def patched(data, at, value):
    return data[:at] + value + data[at + len(value):]


# PNG, written by hand where Pillow cannot.


def chunk(name, data=b"", checksum=None):
    total = zlib.crc32(name + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", total)


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def rows_of(samples, depth):
    """Filter byte 0 before each row, samples packed: [h, w, channels]."""
    out = b""
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            out += b"\0" + row.astype(">u2").tobytes()
        else:
            bits = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - depth:].ravel()
            out += b"\0" + np.packbits(bits).tobytes()
    return out


def png(samples, depth, colour, interlaced=False, before=b"", size=None):
    if samples.ndim == 2:
        samples = samples[..., None]
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in PASSES]
        data = b"".join(rows_of(part, depth) for part in parts if part.size)
    else:
        data = rows_of(samples, depth)
    width, height = size or (width, height)
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND")


def png_cases():
    deep, levels = drawn(depth=16), np.asarray(grey)
    three = lambda v: np.repeat(v[..., None], 3, 2)
    for interlaced in [False, True]:
        suffix = "_interlaced" if interlaced else ""
        for depth in [1, 2, 4]:
            top = 2**depth - 1
            few = np.round(levels / 255 * top).astype(np.uint8)
            ok(f"png_grey_{depth}{suffix}.png", png(few, depth, 0, interlaced), three((few.astype(int) * 255 // top).astype(np.uint8)))
            palette = drawn(2**depth, 1)[0]
            plte = chunk(b"PLTE", palette.tobytes())
            ok(f"png_palette_{depth}{suffix}.png", png(few, depth, 3, interlaced, plte), palette[few])
        ok(f"png_grey_8{suffix}.png", png(levels, 8, 0, interlaced), three(levels))
        ok(f"png_grey_16{suffix}.png", png(deep[..., 0], 16, 0, interlaced), three(deep[..., 0]))
        ok(f"png_rgb_8{suffix}.png", png(rgb, 8, 2, interlaced), rgb)
        ok(f"png_rgb_16{suffix}.png", png(deep, 16, 2, interlaced), deep)
        both = np.dstack([rgb, alpha()])
        ok(f"png_rgba_8{suffix}.png", png(both, 8, 6, interlaced), on_white(rgb, alpha()))
        both = np.dstack([deep, alpha(depth=16)])
        ok(f"png_rgba_16{suffix}.png", png(both, 16, 6, interlaced), on_white(deep, alpha(depth=16)), ROUNDED)
    ok("png_grey_alpha_8.png", png(np.dstack([levels, alpha()]), 8, 4), on_white(three(levels), alpha()))
    wide = deep[..., 0]
    ok("png_grey_alpha_16.png", png(np.dstack([wide, alpha(depth=16)]), 16, 4), on_white(three(wide), alpha(depth=16)), ROUNDED)
    opaque = np.full((HEIGHT, WIDTH), 255, np.uint8)
    ok("png_rgba_opaque.png", png(np.dstack([rgb, opaque]), 8, 6), rgb)
    ok("png_rgba_invisible.png", png(np.dstack([rgb, opaque * 0]), 8, 6), np.full_like(rgb, 255))
    palette, indices = drawn(256, 1)[0], np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) % 256
    plte = chunk(b"PLTE", palette.tobytes())
    ok("png_palette_8.png", png(indices, 8, 3, before=plte), palette[indices])
    trns = np.arange(256, dtype=np.uint8)
    data = png(indices, 8, 3, before=plte + chunk(b"tRNS", trns.tobytes()))
    ok("png_palette_alpha.png", data, on_white(palette[indices], trns[indices]))
    key = struct.pack(">3H", *map(int, rgb[5, 5]))
    hidden = (rgb == rgb[5, 5]).all(-1)
    ok("png_rgb_key.png", png(rgb, 8, 2, before=chunk(b"tRNS", key)), np.where(hidden[..., None], 255, rgb).astype(np.uint8))
    key = struct.pack(">H", int(levels[5, 5]))
    hidden = three(levels) == levels[5, 5]
    ok("png_grey_key.png", png(levels, 8, 0, before=chunk(b"tRNS", key)), np.where(hidden, 255, three(levels)).astype(np.uint8))
    for size in [(1, 1), (1, 5000), (5000, 1), (3, 2)]:
        ok(f"png_{size[0]}x{size[1]}.png", png(drawn(*size), 8, 2), drawn(*size))
    ok("png_3x2_interlaced.png", png(drawn(3, 2), 8, 2, True), drawn(3, 2))
    for orientation in [3, 6]:
        data = png(rgb, 8, 2, before=chunk(b"eXIf", exif(orientation)))
        ok(f"png_orientation_{orientation}.png", data, seen(data))
    raw = lambda name, block: f"\n{name}\n{len(block):8}\n".encode() + b"\n".join(block.hex().encode()[at : at + 72] for at in range(0, 2 * len(block), 72)) + b"\n"
    prefixed = b"Exif\0\0" + exif(6)
    for name, part in [("ztxt", chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw("exif", prefixed)))),
                       ("text", chunk(b"tEXt", b"Raw profile type exif\0" + raw("exif", prefixed))),
                       ("exif", chunk(b"eXIf", exif(6))), ("xmp", chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))]:
        before, plain = png(rgb, 8, 2, before=part), png(rgb, 8, 2)
        behind = plain[:-12] + part + plain[-12:]
        assert (seen(before) == seen(behind)).all() and seen(before).shape == (WIDTH, HEIGHT, 3), name
        if name in ["ztxt", "text"]:
            ok(f"png_{name}_of_exif.png", before, seen(before))
        ok(f"png_{name}_of_orientation_behind_pixels.png", behind, seen(behind))
    app1 = png(rgb, 8, 2, before=chunk(b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(raw("generic", prefixed))))
    # Pillow does not read the second of ImageMagick's two names.
    ok("png_exif_of_app1.png", app1, np.rot90(rgb, -1))
    icc = chunk(b"iCCP", b"wide\0\0" + zlib.compress(WIDE))
    data = png(rgb, 8, 2, before=icc)
    ok("png_profile_wide.png", data, seen(data, profile=True), ROUNDED)
    both = png(np.dstack([rgb, alpha()]), 8, 6, before=icc)
    ok("png_profile_wide_alpha.png", both, on_white(seen(data, profile=True), alpha()), ROUNDED)
    # LittleCMS in 8 bits says to a level what 16 bits must be near to: 1.5 levels of 257.
    deeper = png(rgb.astype(np.uint16) * 257, 16, 2, before=icc)
    ok("png_profile_wide_16.png", deeper, seen(data, profile=True).astype(np.uint16) * 257, 386)
    ok("png_profile_broken.png", png(rgb, 8, 2, before=chunk(b"iCCP", b"x\0\0not zlib")), rgb)
    ok("png_profile_noise.png", png(rgb, 8, 2, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(b"noise" * 99))), rgb)
    bad = zlib.compress(XMP)[:-9] + b"\xff" * 9
    for name, kind, body in [("itxt", b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0not zlib"), ("itxt_end", b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + bad),
                             ("itxt_method", b"iTXt", b"XML:com.adobe.xmp\0\x01\x07\0\0" + zlib.compress(XMP)), ("ztxt", b"zTXt", b"Comment\0\0not zlib")]:
        ok(f"png_text_not_inflating_{name}.png", png(rgb, 8, 2, before=chunk(kind, body)), rgb)
    ok("png_exif_noise.png", png(rgb, 8, 2, before=chunk(b"eXIf", b"noise" * 9)), rgb)
    ok("png_unknown_chunk.png", png(rgb, 8, 2, before=chunk(b"teSt", b"x" * 50)), rgb)
    data = png(rgb, 8, 2, before=chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    ok("png_xmp.png", data, seen(data))
    frames = [Image.fromarray(np.roll(rgb, n, 1)) for n in (0, 9, 18)]
    data = save(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)
    ok("png_animated.png", data, rgb)
    ok("png_called.jpg", png(rgb, 8, 2), rgb)
    refused("png_30000x30000.png", png(rgb, 8, 2, size=(30000, 30000)), "30000 x 30000")
    refused("png_1x100000.png", png(rgb, 8, 2, size=(1, 100000)), "1 x 100000")
    refused("png_0x5.png", png(rgb, 8, 2, size=(0, 5)), "PNG")
    refused("png_larger_than_its_data.png", png(rgb, 8, 2, size=(5000, 5000)), "PNG")
    refused("png_depth_3.png", png(rgb, 8, 2).replace(b"\x08\x02\0\0\0", b"\x03\x02\0\0\0", 1), "PNG")
    noisy = np.random.default_rng(2).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    whole = png(noisy, 8, 2)
    for i in range(1, 11):
        refused(f"png_cut_{i}.png", whole[: len(whole) * i // 11], "PNG data ends too early")
    refused("png_without_end.png", whole[:-12], "PNG data ends too early")
    refused("png_checksum.png", patched(whole, len(whole) - 20, b"\x55\x55"), "PNG")
    middle = len(whole) // 2
    refused("png_noise_in_the_middle.png", patched(whole, middle, b"\xa5" * 9), "PNG")
    refused("png_without_palette.png", png(indices, 8, 3), "PNG")


def webp_cases():
    for name, options, tolerance in [("lossy", dict(quality=90), JPEG), ("lossless", dict(lossless=True), 0)]:
        data = save(picture, "WEBP", **options)
        ok(f"webp_{name}.webp", data, seen(data), tolerance)
        both = Image.fromarray(np.dstack([rgb, alpha()]))
        data = save(both, "WEBP", exact=True, **options)
        ok(f"webp_{name}_alpha.webp", data, seen(data), tolerance)
        data = save(picture, "WEBP", exif=exif(6), icc_profile=WIDE, xmp=XMP, **options)
        ok(f"webp_{name}_turned_wide.webp", data, seen(data, profile=True), tolerance + ROUNDED)
    frames = [Image.fromarray(np.roll(rgb, n, 1)) for n in (0, 9, 18)]
    data = save(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=50)
    ok("webp_animated.webp", data, rgb)
    data = save(picture, "WEBP", lossless=True, xmp=XMP)
    ok("webp_xmp_orientation_only.webp", data, seen(data))
    data = save(Image.fromarray(drawn(1, 1)), "WEBP", lossless=True)
    ok("webp_1x1.webp", data, drawn(1, 1))
    ok("webp_called.gif", save(picture, "WEBP", lossless=True), rgb)
    for name, options, tolerance in [("lossy", dict(quality=85), SUBSAMPLED), ("lossless", dict(lossless=True), 0)]:
        whole = save(picture, "WEBP", exif=exif(6), xmp=XMP, icc_profile=SRGB, **options)
        for part in [b"EXIF", b"XMP ", b"ICCP"]:
            data = without_chunk(whole, part)
            ok(f"webp_{name}_flag_without_{part.decode().strip().lower()}.webp", data, seen(data), tolerance)
        data = patched(whole, 20, bytes([whole[20] | 0x10]))
        ok(f"webp_{name}_flag_without_alpha.webp", data, seen(data), tolerance)
    transparent = save(Image.fromarray(np.dstack([rgb, alpha()])), "WEBP", quality=85, exif=exif(6))
    data = without_chunk(without_chunk(transparent, b"ALPH"), b"EXIF")
    ok("webp_lossy_flags_without_alpha_and_exif.webp", data, seen(data), SUBSAMPLED)
    noisy = Image.fromarray(np.random.default_rng(3).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    for name, whole in [("lossy", save(noisy, "WEBP", quality=80)), ("lossless", save(noisy, "WEBP", lossless=True))]:
        for i in [1, 5, 10]:
            refused(f"webp_{name}_cut_{i}.webp", whole[: len(whole) * i // 11], "WebP data ends too early")
        body = whole[: len(whole) // 2]
        closed = patched(body, 4, struct.pack("<I", len(body) - 8))
        refused(f"webp_{name}_cut_and_closed.webp", closed, "WebP")
    header = b"\x2f" + struct.pack("<I", 15999 | 15999 << 14)
    body = b"WEBPVP8L" + struct.pack("<I", 6) + header + b"\0"
    refused("webp_16000x16000.webp", b"RIFF" + struct.pack("<I", len(body)) + body, "16000 x 16000")
    described = save(picture, "WEBP", lossless=True, xmp=XMP)
    claim = described.index(b"XMP ") + 4
    refused("webp_chunk_of_2_gib.webp", patched(described, claim, struct.pack("<I", 1 << 31)), "WebP data ends too early")
    refused("webp_without_image.webp", b"RIFF\x04\0\0\0WEBP", "WebP")


def without_chunk(data, name):
    """A WebP file without a chunk, its flags as they were."""
    at, rest = 12, b""
    while at < len(data):
        end = at + 8 + struct.unpack_from("<I", data, at + 4)[0]
        end += end % 2
        rest += b"" if data[at : at + 4] == name else data[at:end]
        at = end
    assert len(rest) < len(data) - 12, name
    return b"RIFF" + struct.pack("<I", len(rest) + 4) + b"WEBP" + rest


def gif_cases():
    indexed = picture.quantize(64)
    for name, interlace in [("plain", 0), ("interlaced", 1)]:
        data = save(indexed, "GIF", interlace=interlace)
        ok(f"gif_{name}.gif", data, seen(data))
    for name, screen in [("0x0", (0, 0)), ("smaller", (20, 11)), ("without_width", (0, HEIGHT)), ("lower", (WIDTH, 7))]:
        for interlace in [0, 1]:
            data = patched(save(indexed, "GIF", interlace=interlace, comment=b"drawn"), 6, struct.pack("<2H", *screen))
            assert seen(data).shape == (HEIGHT, WIDTH, 3)
            ok(f"gif_screen_{name}{'_interlaced' * interlace}.gif", data, seen(data))
    clear = indexed.copy()
    clear.paste(63, (5, 5, 20, 20))
    data = save(clear, "GIF", transparency=63)
    ok("gif_transparent.gif", data, seen(data))
    frames = [Image.fromarray(np.roll(rgb, n, 1)).quantize(64) for n in (0, 9, 18)]
    data = save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0)
    ok("gif_animated.gif", data, seen(data))
    data = save(Image.fromarray(drawn(1, 1)).quantize(2), "GIF")
    ok("gif_1x1.gif", data, seen(data))
    noisy = Image.fromarray(np.random.default_rng(4).integers(0, 256, (40, 40), dtype=np.uint8))
    whole = save(noisy, "GIF", interlace=0)
    for i in [1, 5, 8]:
        refused(f"gif_cut_{i}.gif", whole[: len(whole) * i // 11], "GIF")
    start = whole.index(b"\x2c\0\0\0\0")
    huge = struct.pack("<2H", 30000, 30000)
    refused("gif_30000x30000.gif", patched(patched(whole, 6, huge), start + 5, huge), "30000 x 30000")
    refused("gif_without_frame.gif", whole[:start] + b"\x3b", "GIF")


def bmp(samples, bits, palette=b"", compression=0, down=False, height=None, width=None):
    width, height = width or samples.shape[1], height or samples.shape[0]
    rows = b""
    if isinstance(samples, np.ndarray):
        for row in samples if down else samples[::-1]:
            if bits < 8:
                row = np.packbits(np.unpackbits(row[:, None], axis=1)[:, 8 - bits:].ravel())
            row = row.tobytes()
            rows += row + b"\0" * (-len(row) % 4)
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, -height if down else height, 1, bits, compression, len(rows), 2835, 2835, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + palette + rows


def bmp_cases():
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    ok("bmp_24.bmp", bmp(bgr, 24), rgb)
    ok("bmp_24_top_down.bmp", bmp(bgr, 24, down=True), rgb)
    ok("bmp_32.bmp", bmp(np.dstack([bgr, np.zeros_like(bgr[..., 0])]), 32), rgb)
    for bits in [1, 4, 8]:
        colours = drawn(2**bits, 1)[0]
        palette = np.hstack([colours[:, ::-1], np.zeros((2**bits, 1), np.uint8)]).tobytes()
        indices = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) % 2**bits).astype(np.uint8)
        ok(f"bmp_palette_{bits}.bmp", bmp(indices, bits, palette), colours[indices])
    for bits in [1, 4, 8, 24]:
        data = files[f"bmp_24.bmp" if bits == 24 else f"bmp_palette_{bits}.bmp"]
        wide = patched(data[:54] + bytes(24) + data[54:], 14, struct.pack("<I", 64))
        wide = patched(wide, 10, struct.pack("<I", struct.unpack_from("<I", data, 10)[0] + 24))
        ok(f"bmp_os2_{bits}.bmp", wide, seen(data))
        assert (seen(wide) == seen(data)).all()
    data = bmp(bgr, 24)
    short = patched(patched(data[:30] + data[54:], 14, struct.pack("<I", 16)), 10, struct.pack("<I", 30))
    # Pillow knows no header this short.
    ok("bmp_os2_short.bmp", short, rgb)
    for i in [1, 5, 10]:
        refused(f"bmp_cut_{i}.bmp", data[: len(data) * i // 11], "BMP")
    refused("bmp_30000x30000.bmp", patched(data, 18, struct.pack("<2i", 30000, 30000)), "30000 x 30000")
    refused("bmp_header_only.bmp", b"BM", "BMP")


def tiff(order, entries, data):
    """A file of one strip: entries are (tag, kind, values); offset 273 is filled in."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    sizes = {3: "H", 4: "I"}
    table, extra = b"", b""
    base = 8 + 2 + 12 * len(entries) + 4
    room = sum(len(v) * struct.calcsize(sizes[k]) for _, k, v in entries if len(v) * struct.calcsize(sizes[k]) > 4)
    for tag, kind, values in sorted(entries):
        if tag == 273:
            values = [base + room]
        packed = struct.pack(f"{order}{len(values)}{sizes[kind]}", *values)
        if len(packed) > 4:
            place = struct.pack(f"{order}I", base + len(extra))
            extra += packed
        else:
            place = packed.ljust(4, b"\0")
        table += struct.pack(f"{order}HHI", tag, kind, len(values)) + place
    return mark + struct.pack(f"{order}I", 8) + struct.pack(f"{order}H", len(entries)) + table + b"\0\0\0\0" + extra + data


def strip(order, samples, photometric, bits, extra=()):
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    kind = {8: "u1", 16: f"{order}u2"}[bits]
    data = samples.astype(kind).tobytes()
    entries = [(256, 3, [width]), (257, 3, [height]), (258, 3, [bits] * channels), (259, 3, [1]), (262, 3, [photometric]),
               (273, 4, [0]), (277, 3, [channels]), (278, 3, [height]), (279, 4, [len(data)]), *extra]
    return tiff(order, entries, data)


def tiff_cases():
    deep, levels = drawn(depth=16), np.asarray(grey)
    three = lambda v: np.repeat(v[..., None], 3, 2)
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        data = save(picture, "TIFF", compression=compression)
        ok(f"tiff_rgb_{compression}.tif", data, rgb)
    data = save(picture, "TIFF", compression="jpeg", quality=95)
    ok("tiff_jpeg.tif", data, seen(data), SUBSAMPLED)
    data = save(picture.convert("1"), "TIFF", compression="group4")
    ok("tiff_fax.tif", data, seen(data))
    data = save(picture.convert("1"), "TIFF")
    ok("tiff_bits.tif", data, seen(data))
    data = save(grey, "TIFF")
    ok("tiff_grey.tif", data, seen(data))
    data = save(picture.quantize(64), "TIFF")
    ok("tiff_palette.tif", data, seen(data))
    data = save(picture.convert("CMYK"), "TIFF")
    ok("tiff_cmyk.tif", data, seen(data), ROUNDED)
    data = save(inky(), "TIFF", icc_profile=INKS)
    # Inks go through a table of nine points a side, and each program interpolates it in its own way.
    ok("tiff_cmyk_profile.tif", data, seen(data, profile=True), 3)
    data = save(picture, "TIFF", icc_profile=WIDE)
    ok("tiff_profile_wide.tif", data, seen(data, profile=True), ROUNDED)
    data = save(Image.fromarray(np.dstack([rgb, alpha()])), "TIFF")
    ok("tiff_rgba.tif", data, on_white(rgb, alpha()), ROUNDED)
    data = save(picture, "TIFF", big_tiff=True)
    ok("tiff_big.tif", data, rgb)
    data = save(picture, "TIFF", save_all=True, append_images=[picture.rotate(90)])
    ok("tiff_two_pages.tif", data, rgb)
    for order, name in [("<", "little"), (">", "big")]:
        ok(f"tiff_rgb_16_{name}_endian.tif", strip(order, deep, 2, 16), deep)
        ok(f"tiff_grey_16_{name}_endian.tif", strip(order, deep[..., 1], 1, 16), three(deep[..., 1]))
        ok(f"tiff_rgb_8_{name}_endian.tif", strip(order, rgb, 2, 8), rgb)
        ok(f"tiff_white_is_zero_{name}_endian.tif", strip(order, 255 - levels, 0, 8), three(levels))
    data = strip("<", rgb, 2, 8, [(274, 3, [6])])
    ok("tiff_orientation_6.tif", data, seen(data))
    for kind, order in [(4, "<"), (4, ">")]:
        data = strip(order, rgb, 2, 8, [(274, kind, [6])])
        ok(f"tiff_orientation_of_type_{kind}_{'little' if order == '<' else 'big'}.tif", data, seen(data))
    for name, entries in [("only", []), ("beside_its_own", [(274, 3, [3])])]:
        # Characters in pairs, because the writer knows no entries of bytes.
        paired = np.frombuffer(XMP + b" " * (len(XMP) % 2), "<u2").tolist()
        data = strip("<", rgb, 2, 8, [(700, 3, paired), *entries])
        data = data.replace(struct.pack("<HHI", 700, 3, len(paired)), struct.pack("<HHI", 700, 1, 2 * len(paired)))
        ok(f"tiff_xmp_orientation_{name}.tif", data, seen(data))
    both = np.dstack([levels, alpha()])
    ok("tiff_grey_alpha.tif", strip("<", both, 1, 8, [(338, 3, [2])]), on_white(three(levels), alpha()), ROUNDED)
    beside = (levels[..., None].astype(int) + [0, 60, 90]).astype(np.uint8)
    for name, samples, extra in [("one", beside[..., :2], [(338, 3, [0])]), ("two", beside, [(338, 3, [0, 0])]), ("untold", beside[..., :2], [])]:
        data = strip("<", samples, 1, 8, extra)
        if name == "one":
            assert (seen(data) == three(levels)).all()
        ok(f"tiff_grey_and_{name}_more.tif", data, three(levels))
    ok("tiff_grey_and_one_more_16.tif", strip(">", deep[..., :2], 1, 16, [(338, 3, [0])]), three(deep[..., 0]))
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "group4"]:
        # Rows of bits that end in padding.
        data = save(picture.convert("1"), "TIFF", compression=compression, tiffinfo={266: 2})
        kept = Image.open(io.BytesIO(data)).tag_v2
        assert kept[266] == 2, compression
        ok(f"tiff_bits_lowest_first_{compression}.tif", data, seen(data))
    data = save(grey, "TIFF", compression="tiff_lzw", tiffinfo={266: 2})
    ok("tiff_grey_lowest_first.tif", data, seen(data))
    share = alpha()[..., None] / 255
    multiplied = np.dstack([np.round(rgb * share).astype(np.uint8), alpha()])
    shown = np.round(multiplied[..., :3] + 255 * (1 - share)).astype(np.uint8)
    ok("tiff_multiplied_alpha.tif", strip("<", multiplied, 2, 8, [(338, 3, [1])]), shown, ROUNDED)
    planes = np.concatenate([rgb[..., c].ravel() for c in range(3)])
    size = WIDTH * HEIGHT
    entries = [(256, 3, [WIDTH]), (257, 3, [HEIGHT]), (258, 3, [8] * 3), (259, 3, [1]), (262, 3, [2]), (277, 3, [3]),
               (278, 3, [HEIGHT]), (279, 4, [size] * 3), (284, 3, [2])]
    start = 8 + 2 + 12 * 10 + 4 + 6 + 12 + 12
    entries.append((273, 4, [start, start + size, start + 2 * size]))
    data = tiff_planes(entries, planes.tobytes())
    ok("tiff_planes.tif", data, rgb)
    whole = strip("<", rgb, 2, 8)
    for i in [1, 5, 10]:
        refused(f"tiff_cut_{i}.tif", whole[: len(whole) * i // 11], "TIFF")
    entries = [(256, 4, [30000]), (257, 4, [30000]), (258, 3, [8]), (259, 3, [1]), (262, 3, [1]), (273, 4, [0]), (277, 3, [1]),
               (278, 4, [30000]), (279, 4, [100])]
    refused("tiff_30000x30000.tif", tiff("<", entries, b"\0" * 100), "30000 x 30000")
    floats = [(256, 3, [2]), (257, 3, [2]), (258, 3, [32]), (259, 3, [1]), (262, 3, [1]), (273, 4, [0]), (277, 3, [1]),
              (278, 3, [2]), (279, 4, [16]), (339, 3, [3])]
    refused("tiff_floats.tif", tiff("<", floats, b"\0" * 16), "not supported")
    refused("tiff_called_dng.tif", strip("<", rgb, 2, 8, [(50706, 3, [0x0401, 0])]), "DNG")
    refused("tiff_thumbnail_of_raw.tif", strip(">", rgb, 2, 8, [(254, 4, [1]), (330, 4, [8])]), "camera raw")
    reduced = strip("<", rgb, 2, 8, [(254, 4, [1])])
    ok("tiff_reduced.tif", reduced, seen(reduced))
    refused("tiff_without_directory.tif", b"II*\0\x08\0\0\0", "TIFF")
    refused("tiff_directory_far_away.tif", b"II*\0\xf0\xff\xff\xff", "TIFF")


def tiff_planes(entries, data):
    """As [`tiff`], with the strips' own offsets."""
    marked = [(tag if tag != 273 else 9273, kind, values) for tag, kind, values in entries]
    raw = tiff("<", marked, data)
    fixed = raw.replace(struct.pack("<H", 9273), struct.pack("<H", 273), 1)
    # Entries must be in order; readers that care are not tested with this one.
    return fixed


def plane_tiles(order, samples, photometric, size, extra=(), deflate=False):
    """A file of tiles of `size`, each channel of `samples` in a plane of its own; deflate with differences of neighbours."""
    height, width, channels = samples.shape
    kind = f"{order}u2" if samples.dtype == np.uint16 else "u1"
    tile_width, tile_height = size
    tiles = []
    for channel in range(channels):
        plane = np.pad(samples[..., channel], [(0, -height % tile_height), (0, -width % tile_width)], constant_values=99)
        for top in range(0, height, tile_height):
            for left in range(0, width, tile_width):
                tile = plane[top : top + tile_height, left : left + tile_width]
                if deflate:
                    tile = np.diff(tile, axis=1, prepend=tile.dtype.type(0))
                data = tile.astype(kind).tobytes()
                tiles.append(zlib.compress(data, 9) if deflate else data)
    entries = [(256, 3, [width]), (257, 3, [height]), (258, 3, [8 * samples.itemsize] * channels), (259, 3, [8 if deflate else 1]),
               (262, 3, [photometric]), (273, 4, [0]), (277, 3, [channels]), (284, 3, [2]), (317, 3, [2 if deflate else 1]),
               (322, 3, [tile_width]), (323, 3, [tile_height]), (325, 4, [len(tile) for tile in tiles]), *extra]
    # The offsets of the tiles, in the place of that of a strip, follow from the length of the rest.
    listed = [entry for entry in entries if entry[0] != 273]
    offsets = (324, 4, [0] * len(tiles))
    start = len(tiff(order, [*listed, offsets], b""))
    starts = start + np.cumsum([0] + [len(tile) for tile in tiles[:-1]])
    return tiff(order, [*listed, (324, 4, starts.tolist())], b"".join(tiles))


def plane_tiles_cases():
    """Widths and heights that are and are not whole tiles; Pillow is asked where it reads separate planes in tiles."""
    for width, height, size in [(44, 30, (16, 16)), (48, 30, (16, 16)), (44, 32, (16, 16)), (44, 30, (32, 16)), (44, 30, (16, 48)),
                                (5, 3, (16, 16)), (17, 65, (16, 32))]:
        for order in "<>":
            for depth in [8, 16]:
                flat, share = drawn(width, height, depth), alpha(width, height, depth)
                name = f"tiff_plane_tiles_{width}x{height}_{size[0]}x{size[1]}_{depth}_{'little' if order == '<' else 'big'}"
                data = plane_tiles(order, flat, 2, size, deflate=order == ">")
                if depth == 8:
                    assert (seen(data) == flat).all(), name
                ok(f"{name}.tif", data, flat)
                if size != (16, 16) or order == ">":
                    continue
                data = plane_tiles(order, np.dstack([flat, share]), 2, size, [(338, 3, [2])])
                ok(f"{name}_alpha.tif", data, on_white(flat, share), ROUNDED)
                data = plane_tiles(order, np.dstack([flat[..., 1], share]), 1, size, [(338, 3, [2])])
                ok(f"{name}_grey_alpha.tif", data, on_white(flat[..., [1, 1, 1]], share), ROUNDED)
    inks = np.asarray(picture.convert("CMYK"))
    ok("tiff_plane_tiles_cmyk.tif", plane_tiles("<", inks, 5, (16, 16)), seen(strip("<", inks, 5, 8)), ROUNDED)


def jpeg_arrangement_cases():
    ycc = np.asarray(picture.convert("YCbCr"))
    for name, data in jpeg_arrangements.cases(ycc, 255 - np.asarray(picture.convert("CMYK"))):
        ok(name, data, seen(data), SUBSAMPLED)
    for name, data, reason in jpeg_arrangements.refused(ycc):
        refused(name, data, reason)


def tiff_arrangement_cases():
    inks = np.asarray(picture.convert("CMYK"))
    makes = [tiff_arrangements.depths(drawn), tiff_arrangements.extras(drawn, alpha, on_white), tiff_arrangements.fax(drawn),
             tiff_arrangements.inks_and_more(inks, seen(strip("<", inks, 5, 8))), tiff_arrangements.jpeg_tiles(drawn, seen)]
    for made in makes:
        for name, data, pixels, tolerance in made:
            ok(name, data, pixels, tolerance)
    for name, data, reason in tiff_arrangements.refused(drawn):
        refused(name, data, reason)


def qoi(samples):
    height, width = samples.shape[:2]
    body = b"".join(b"\xfe" + bytes(map(int, pixel)) for pixel in samples.reshape(-1, 3))
    return b"qoif" + struct.pack(">2I2B", width, height, 3, 0) + body + b"\0" * 7 + b"\x01"


def qoi_cases():
    whole = qoi(rgb)
    ok("qoi.qoi", whole, rgb)
    for i in [1, 5, 9]:
        refused(f"qoi_cut_{i}.qoi", whole[: len(whole) * i // 11], "QOI")
    refused("qoi_30000x30000.qoi", patched(whole, 4, struct.pack(">2I", 30000, 30000)), "30000 x 30000")


def foreign_cases():
    refused("empty.jpg", b"", "the file is empty")
    refused("one_byte.png", b"\x89", "no image of a known format")
    refused("zeros.jpg", b"\0" * 1000, "no image of a known format")
    refused("text.png", b"This is no image.\n", "no image of a known format")
    refused("html.jpg", b"<!DOCTYPE html><title>404</title>", "is in HTML format")
    refused("photoshop.jpg", b"8BPS\0\x01" + b"\0" * 20, "Photoshop")
    refused("jpeg_2000.jpg", save(picture, "JPEG2000"), "JPEG 2000")
    refused("avif.jpg", save(picture, "AVIF"), "AVIF")
    refused("svg.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG")
    refused("pdf.tif", b"%PDF-1.7\n", "PDF")
    refused("video.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "ISO media")
    refused("ppm.bmp", save(picture, "PPM"), "PPM")
    refused("icon.bmp", save(picture, "ICO", sizes=[(16, 16)]), "ICO")


def main():
    for make in [jpeg_cases, jpeg_arrangement_cases, png_cases, webp_cases, gif_cases, bmp_cases, tiff_cases, plane_tiles_cases, tiff_arrangement_cases, qoi_cases, foreign_cases]:
        make()
    arrays = io.BytesIO()
    np.savez_compressed(arrays, **references)
    target = pathlib.Path(__file__).with_name("corpus.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        def add(name, data):
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)

        add("expected.json", json.dumps(cases, indent=1))
        add("references.npz", arrays.getvalue())
        for name, data in files.items():
            add(f"files/{name}", data)
    shown = sum("pixels" in case for case in cases.values())
    print(f"{target.name}: {target.stat().st_size} bytes, {shown} images and {len(cases) - shown} to refuse")


if __name__ == "__main__":
    main()
