#!/usr/bin/env python3
"""Writes a small file of every kind of index with faiss, and faiss's answers, into the folder indexes.

    python3 -m venv PEER && PEER/bin/pip install faiss-cpu numpy
    PEER/bin/python make_indexes.py indexes

- queries.npy and base.npy: `[24, 16]` and `[400, 16]`; an index of dimension d < 16 takes the first d columns.
- kinds.json: one record a file: its name, metric, d and factory string, which is null where it leaves a dimension
  open, whitens, or says less than the file.
- NAME.index: the index over the base vectors under the ids 0..400, or those of ids.npy where the name says so.
- NAME_results.npz: D_nprobeN and I_nprobeN `[24, 10]`; `reconstruct` `[8, d]` of the first 8 base vectors;
  range_radius, range_lims, range_D and range_I, in 4 cells. No distance lies within a relative 5e-5 of the radius.
"""
import json
import pathlib
import re
import sys

import faiss
import numpy as np

D, K, SEED = 16, 10, 1
METRICS = dict(l2=faiss.METRIC_L2, ip=faiss.METRIC_INNER_PRODUCT)
BOTH, L2 = ("l2", "ip"), ("l2",)

# Factory string, metrics, dimension.
PLAIN = [
    ("Flat", BOTH, 16),
    ("SQ8", BOTH, 16),
    ("SQ4", BOTH, 15),
    ("SQ6", BOTH, 15),
    ("SQfp16", BOTH, 16),
    ("SQbf16", BOTH, 16),
    ("SQ8_direct", BOTH, 15),
    ("SQ8_direct_signed", BOTH, 16),
    ("PQ4x8", BOTH, 16),
    ("PQ4x4", BOTH, 16),
    ("PQ4x5", L2, 16),
    ("PQ4x6", BOTH, 16),
    ("PQ4x10", L2, 8),
    ("PQ4x12", L2, 8),
    ("RaBitQ", BOTH, 16),
    ("LSH", L2, 16),
    ("LSH12", L2, 16),
    ("LSH24r", L2, 16),
    ("LSH12t", L2, 16),
    ("LSH24rt", L2, 16),
    ("IVF8,Flat", BOTH, 16),
    ("IVF8,SQ8", BOTH, 16),
    ("IVF8,SQ4", BOTH, 16),
    ("IVF8,SQ6", BOTH, 16),
    ("IVF8,SQfp16", BOTH, 15),
    ("IVF8,SQbf16", BOTH, 15),
    ("IVF8,SQ8_direct_signed", L2, 16),
    ("IVF8,RaBitQ", BOTH, 15),
    ("IVF8,PQ4x8", BOTH, 16),
    ("IVF8,PQ4x4", BOTH, 16),
    ("IVF8,PQ4x5", L2, 16),
    ("IVF8,PQ4x6", BOTH, 16),
    ("IVF8,PQ4x10", L2, 8),
    ("IVF8,PQ4x12", L2, 4),
    ("IVF8,PQ8x4fs", BOTH, 16),
    ("IVF8,PQ8x4fsr", BOTH, 16),
    ("IVF8,PQ5x4fs", BOTH, 15),
    ("IVF8,PQ7x4fsr", BOTH, 14),
    ("OPQ4_8,IVF8,PQ4x8", BOTH, 16),
    ("OPQ4,PQ4x8", BOTH, 16),
    ("PCA8,Flat", BOTH, 16),
    ("PCAW8,Flat", L2, 16),
    ("PCAR8,IVF8,PQ4x8", BOTH, 16),
    ("PCAWR8,IVF8,Flat", L2, 16),
    ("PCAR8,LSH", L2, 16),
    ("RR16,PQ4x8", BOTH, 16),
    ("RR24,Flat", L2, 16),
    ("L2norm,IVF8,Flat", BOTH, 16),
    ("L2norm,PCA8,PQ4x8", BOTH, 16),
    ("OPQ8,IVF8,PQ8x4fs", L2, 16),
    ("IVF8_HNSW8,Flat", BOTH, 16),
    ("IVF8_HNSW8,PQ4x8", BOTH, 16),
    ("HNSW8,Flat", BOTH, 16),
    ("HNSW8,SQ8", BOTH, 16),
    ("HNSW8,SQfp16", L2, 16),
    ("HNSW8,PQ4x8", L2, 16),
    ("PCA8,HNSW4,Flat", L2, 16),
    ("PQ4x8,RFlat", BOTH, 16),
    ("IVF8,PQ4x8,RFlat", BOTH, 16),
    ("PCA8,IVF8,PQ4x8,RFlat", L2, 16),
]


# Factory string, a word for the name, what is set before training, metrics, whether the string still says it all.
SET_BEFORE = [
    ("IVF8,PQ4x8", "absolute", dict(by_residual=False), BOTH, False),
    ("IVF8,SQ8", "absolute", dict(by_residual=False), L2, False),
    ("IVF8,SQ4", "absolute", dict(by_residual=False), BOTH, False),
    ("IVF8,SQ6", "absolute", dict(by_residual=False), L2, False),
    ("IVF8,SQfp16", "absolute", dict(by_residual=False), BOTH, False),
    ("IVF8,SQ8_direct", "absolute", dict(by_residual=False), L2, False),
    ("RaBitQ", "float_queries", dict(qb=0), BOTH, True),
    ("IVF8,RaBitQ", "float_queries", dict(qb=0), BOTH, True),
    ("PQ4x8,RFlat", "k4", dict(k_factor=4), BOTH, True),
    ("IVF8,PQ4x8,RFlat", "k4", dict(k_factor=4), BOTH, True),
]


def parts(index):
    """The index and all within it."""
    index = faiss.downcast_index(index)
    yield index
    for name in ("index", "base_index", "storage"):
        if isinstance(inner := getattr(index, name, None), faiss.Index):
            yield from parts(inner)


def hasten(index):
    """No polysemous training: simulated annealing that only permutes codewords, for hours at 12 bits."""
    for part in parts(index):
        if hasattr(part, "do_polysemous_training"):
            part.do_polysemous_training = False


def ivf(index):
    return next((part for part in parts(index) if isinstance(part, faiss.IndexIVF)), None)


def all_distances(index, queries):
    distances, ids = index.search(queries, index.ntotal)
    return distances[ids >= 0].astype(np.float64)


def radius(index, metric, queries):
    """About 8 results a query, in the middle of the widest gap near that."""
    distances = all_distances(index, queries)
    if isinstance(index, faiss.IndexRefine):
        # faiss asks the base for k_factor times the radius, refines what it gives, and selects again.
        base = all_distances(index.base_index, queries) / index.k_factor
        selecting, distances = distances if metric == "l2" else base, np.append(distances, base)
    else:
        selecting = distances
    rank = 8 * len(queries) if metric == "l2" else len(selecting) - 8 * len(queries)
    distances = np.sort(distances)
    at = np.searchsorted(distances, np.sort(selecting)[rank])
    around = distances[max(at - 16, 0) : at + 17]
    gaps = np.diff(around)
    found = np.float32(around[gaps.argmax()] + gaps.max() / 2)
    assert gaps.max() > 1e-4 * abs(found), f"no gap near {found}: {gaps.max()}"
    return found


def answers(index, metric, d):
    """faiss's answers; of what it can do with this kind."""
    queries = np.ascontiguousarray(QUERIES[:, :d])
    inverted = ivf(index)
    found = {}
    for nprobe in (1,) if inverted is None else (1, 4):
        if inverted is not None:
            inverted.nprobe = nprobe
        found[f"D_nprobe{nprobe}"], found[f"I_nprobe{nprobe}"] = index.search(queries, K)
    # faiss compares floats with signs there, which no answer of ours imitates.
    if not any(isinstance(part, faiss.IndexLSH) for part in parts(index)):
        found["range_radius"] = np.array([radius(index, metric, queries)])
        lims, distances, ids = index.range_search(queries, found["range_radius"][0].item())
        found |= dict(range_lims=lims.astype(np.int64), range_D=distances, range_I=ids)
    return found


def reconstruction(index, ids):
    """Of the first 8 base vectors, for which faiss asks for a direct map that the written file need not have."""
    inverted = ivf(index)
    if inverted is not None and inverted.direct_map.type == faiss.DirectMap.NoMap:
        inverted.set_direct_map_type(faiss.DirectMap.Hashtable)
    rows = np.stack([index.reconstruct(int(i)) for i in ids])
    if isinstance(index, faiss.IndexLSH) and not index.rotate_data:
        rows[:, index.nbits :] = 0  # faiss leaves dimensions without a bit as they were in memory
    return rows


def save(index, name, factory, metric, d, ids=range(400)):
    """The index as it is, then the answers of the one that was read back: no state but the file's."""
    path = OUT / f"{name}.index"
    faiss.write_index(index, str(path))
    found = {}
    if index.ntotal > K:
        found = answers(faiss.read_index(str(path)), metric, d)
        # Block lists that were read back crash faiss.
        source = index if "x4fs" in name else faiss.read_index(str(path))
        found["reconstruct"] = reconstruction(source, ids[:8])
    np.savez_compressed(OUT / f"{name}_results.npz", **found)
    if factory is not None and re.search(r"OPQ\d+,|LSH[rt]*$|PCAW", factory):
        factory = None
    KINDS.append(dict(name=name, factory=factory, metric=metric, d=d))


def trained(factory, metric, d, **fields):
    index = faiss.index_factory(d, factory, METRICS[metric])
    hasten(index)
    for field, value in fields.items():
        setattr(index, field, value)
    wide = any(f"x{nbits}" in factory for nbits in (10, 12))
    index.train(np.ascontiguousarray((TRAIN if wide else TRAIN[:1500])[:, :d]))
    return index


def stem(factory):
    return factory.lower().replace(",", "_")


def base(factory, d):
    """The first columns of the base vectors; integers of both signs, or of one, for the direct scalar types."""
    rows = np.ascontiguousarray(BASE[:, :d])
    if "direct" not in factory:
        return rows
    return np.round(3 * rows) if "signed" in factory else np.abs(np.round(3 * rows))


def plain():
    for factory, metrics, d in PLAIN:
        for metric in metrics:
            index = trained(factory, metric, d)
            index.add(base(factory, d))
            save(index, f"{stem(factory)}_{metric}", factory, metric, d)


def set_before():
    for factory, word, fields, metrics, says_all in SET_BEFORE:
        for metric in metrics:
            index = trained(factory, metric, D, **fields)
            index.add(base(factory, D))
            name = "_".join(part for part in (stem(factory), word, metric) if part)
            save(index, name, factory if says_all else None, metric, D)


def wide_and_narrow():
    """Graphs whose searches keep fewer entries in view than faiss's 16, or more."""
    for factory, metric in [("HNSW8,Flat", "l2"), ("HNSW8,Flat", "ip"), ("HNSW8,PQ4x8", "l2")]:
        for ef_search in (3, 64):
            index = trained(factory, metric, D)
            index.add(BASE)
            index.hnsw.efSearch = ef_search
            save(index, f"{stem(factory)}_ef{ef_search}_{metric}", factory, metric, D)


def uniform():
    """Scalar types with one range, which index_factory has no strings for."""
    types = [
        ("SQ8_uniform", faiss.ScalarQuantizer.QT_8bit_uniform),
        ("SQ4_uniform", faiss.ScalarQuantizer.QT_4bit_uniform),
    ]
    for (name, kind), metric in [(kind, metric) for kind in types for metric in BOTH]:
        index = faiss.IndexScalarQuantizer(D, kind, METRICS[metric])
        coarse = faiss.IndexFlat(D, METRICS[metric])
        inverted = faiss.IndexIVFScalarQuantizer(coarse, D, 8, kind, METRICS[metric])
        for index, factory in ((index, name), (inverted, f"IVF8,{name}")):
            index.train(TRAIN[:1500])
            index.add(BASE)
            save(index, f"{stem(factory)}_{metric}", factory, metric, D)


def maps_and_ids():
    """Direct maps, ids of the caller's own, lists of which most are empty, nothing at all."""
    cases = [
        ("IVF8,PQ4x8", "array_map", faiss.DirectMap.Array, None),
        ("IVF8,PQ4x4", "hashtable_map_own_ids", faiss.DirectMap.Hashtable, IDS),
        ("IVF8,Flat", "own_ids", faiss.DirectMap.NoMap, IDS),
    ]
    for factory, word, kind, ids in cases:
        index = trained(factory, "l2", D)
        index.set_direct_map_type(kind)
        index.add(BASE) if ids is None else index.add_with_ids(BASE, ids)
        save(index, f"{stem(factory)}_{word}_l2", factory, "l2", D, range(400) if ids is None else ids)
    for factory in ("IVF8,PQ4x4", "IVF8,PQ8x4fs"):
        index = trained(factory, "l2", D)
        save(index, f"{stem(factory)}_empty_l2", factory, "l2", D)
        index.add(BASE[:2])
        save(index, f"{stem(factory)}_sparse_l2", factory, "l2", D)


def draw(n):
    """Clustered vectors `[n, 16]` with noise, away from the origin so that norms differ."""
    values = CENTRES[rng.integers(0, len(CENTRES), n)] + 0.6 * rng.standard_normal((n, D))
    return (values + 0.2).astype(np.float32)


faiss.omp_set_num_threads(1)
OUT = pathlib.Path(sys.argv[1])
OUT.mkdir(exist_ok=True)
rng = np.random.default_rng(SEED)
CENTRES = rng.standard_normal((16, D))
TRAIN, BASE, QUERIES = draw(4800), draw(400), draw(24)
IDS = rng.permutation(400) * 3 + 7
KINDS = []
np.save(OUT / "base.npy", BASE)
np.save(OUT / "queries.npy", QUERIES)
np.save(OUT / "ids.npy", IDS)
plain()
set_before()
uniform()
wide_and_narrow()
maps_and_ids()
(OUT / "kinds.json").write_text("[\n" + ",\n".join(json.dumps(kind) for kind in KINDS) + "\n]\n")
