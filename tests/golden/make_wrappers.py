#!/usr/bin/env python3
"""Writes small files of maps of ids and of re-ranking with faiss 1.15, and faiss's answers, into the folder wrappers.

    python3 -m venv PEER && PEER/bin/pip install faiss-cpu==1.15.1 numpy
    PEER/bin/python make_wrappers.py wrappers

- queries.npy `[24, 8]`, base.npy `[100, 8]` and more.npy `[30, 8]`; an index of dimension d < 8 takes the first d columns.
- ids.npy and more_ids.npy: ids of base and of more in a map of ids.
- kinds.json: one record a file, as make_indexes.py writes them.
- NAME.index and NAME_results.npz as make_indexes.py writes them, also D_nprobeN_k3 and I_nprobeN_k3 `[24, 3]`.
- NAME_changed.index: without ids[10:20], then with the last 20 of more, then with the index of the first 10 merged, of
  kinds that faiss changes soundly.
- ivf4_pq2plus4_l2_added.index: that index with all of more.
- NAME_repeated.index: base under 25 ids, each four times, some of them negative, and its answers.
"""
import json
import pathlib
import sys

import faiss
import numpy as np

D, K, SEED = 8, 10, 3
METRICS = dict(l2=faiss.METRIC_L2, ip=faiss.METRIC_INNER_PRODUCT)
BOTH, L2 = ("l2", "ip"), ("l2",)

# Factory string, metrics, dimension, whether faiss changes it soundly.
KINDS = [
    ("IDMap,Flat", BOTH, 8, True),
    ("IDMap2,Flat", BOTH, 8, True),
    ("IDMap,SQ8", BOTH, 8, True),
    ("IDMap2,PQ4x4", BOTH, 8, True),
    ("IDMap,LSH", L2, 8, True),
    ("IDMap2,LSH16rt", L2, 8, True),
    ("PCA4,IDMap,Flat", BOTH, 8, True),
    ("PCA6,IDMap2,L2norm,SQ8", BOTH, 8, True),
    ("IDMap,PCA4,Flat", L2, 8, True),
    ("IDMap2,L2norm,PQ4x4", L2, 8, True),
    ("IDMap,PQ4x4,RFlat", BOTH, 8, False),
    ("IDMap2,PQ4x4,Refine(SQ8)", L2, 8, False),
    ("IDMap,IVF4,Flat", BOTH, 8, False),
    ("IDMap2,IVF4,PQ4x4", BOTH, 8, False),
    ("IDMap,IVF4,PQ4x4fs", L2, 8, False),
    ("IDMap2,PCA4,IVF4,SQ8", L2, 8, False),
    ("IDMap,IVF4,PQ4x4,RFlat", L2, 8, False),
    ("IDMap,IVF4_HNSW4,Flat", L2, 8, False),
    ("PQ4x4,Refine(SQ8)", BOTH, 8, False),
    ("PQ4x4,Refine(PQ4x6)", BOTH, 8, False),
    ("PQ4x4,Refine(Flat)", L2, 8, False),
    ("PQ4x4,Refine(SQfp16)", BOTH, 8, False),
    ("IVF4,PQ2x4,Refine(SQfp16)", L2, 8, False),
    ("PQ4x4,Refine(SQ6)", L2, 8, False),
    ("PQ4x4,Refine(SQbf16)", L2, 8, False),
    ("IDMap2,SQfp16", L2, 8, True),
    ("IVF4,PQ2x4,Refine(SQ8)", BOTH, 8, False),
    ("PCA4,IVF4,PQ2x4,Refine(SQ8)", L2, 8, False),
    ("IVF4,Flat,RFlat", L2, 8, False),
    ("IVF4,PQ2+4", L2, 4, False),
    ("IDMap,IVF4,PQ2+2", L2, 4, False),
]


def parts(index):
    """The index and all within it."""
    index = faiss.downcast_index(index)
    yield index
    for name in ("index", "base_index", "refine_index"):
        if isinstance(inner := getattr(index, name, None), faiss.Index):
            yield from parts(inner)


def ivf(index):
    return next((part for part in parts(index) if isinstance(part, faiss.IndexIVF)), None)


def has_ids(index):
    return any(isinstance(part, faiss.IndexIDMap) for part in parts(index))


def wide(values, d):
    return np.ascontiguousarray(values[:, :d])


def trained(factory, metric, d):
    index = faiss.index_factory(d, factory, METRICS[metric])
    for part in parts(index):
        if hasattr(part, "do_polysemous_training"):
            part.do_polysemous_training = False
        if isinstance(part, faiss.IndexRefine):
            part.k_factor = 3
    index.train(wide(TRAIN, d))
    return index


def add(index, vectors, ids):
    index.add_with_ids(vectors, ids) if has_ids(index) else index.add(vectors)


def radius(index, metric, queries):
    """About 8 results a query, in the middle of the widest gap near that."""
    distances, ids = index.search(queries, index.ntotal)
    if any(isinstance(part, faiss.IndexIVFPQR) for part in parts(index)):
        # Within a radius faiss compares the first codes alone.
        _, distances, ids = index.range_search(queries, 1e9)
    distances = np.sort(distances[ids >= 0].astype(np.float64))
    refine = next((part for part in parts(index) if isinstance(part, faiss.IndexRefine)), None)
    selecting = distances
    if refine is not None:
        # faiss asks the base for k_factor times the radius, refines what it gives, and selects again.
        near, ids = refine.base_index.search(queries, refine.ntotal)
        base = near[ids >= 0].astype(np.float64) / refine.k_factor
        distances = np.sort(np.append(distances, base))
        selecting = selecting if metric == "l2" else np.sort(base)
    rank = 8 * len(queries) if metric == "l2" else len(selecting) - 8 * len(queries)
    at = np.searchsorted(distances, selecting[rank])
    around = distances[max(at - 16, 0) : at + 17]
    gaps = np.diff(around)
    found = np.float32(around[gaps.argmax()] + gaps.max() / 2)
    assert gaps.max() > 1e-4 * abs(found), f"no gap near {found}: {gaps.max()}"
    return found


def answers(index, metric, d, ids):
    queries, inverted, found = wide(QUERIES, d), ivf(index), {}
    for nprobe in (1,) if inverted is None else (1, 4):
        if inverted is not None:
            inverted.nprobe = nprobe
        for k, ending in ((K, ""), (3, "_k3")):
            found[f"D_nprobe{nprobe}{ending}"], found[f"I_nprobe{nprobe}{ending}"] = index.search(queries, k)
    # faiss compares floats with signs there, which no answer of ours imitates.
    if not any(isinstance(part, faiss.IndexLSH) for part in parts(index)):
        found["range_radius"] = np.array([radius(index, metric, queries)])
        lims, distances, near = index.range_search(queries, found["range_radius"][0].item())
        found |= dict(range_lims=lims.astype(np.int64), range_D=distances, range_I=near)
    found["reconstruct"] = reconstruction(index, ids)
    return found


def reconstruction(index, ids):
    """Of the first 8 base vectors, by position where the map of ids goes one way."""
    inverted = ivf(index)
    if inverted is not None:
        inverted.set_direct_map_type(faiss.DirectMap.Hashtable)
    one_way = next((part for part in parts(index) if type(part) is faiss.IndexIDMap), None)
    if one_way is None:
        return np.stack([index.reconstruct(i) for i in (ids[:8].tolist() if has_ids(index) else range(8))])
    rows = np.stack([one_way.index.reconstruct(i) for i in range(8)])
    first = faiss.downcast_index(index)
    if not isinstance(first, faiss.IndexPreTransform):
        return rows
    out = np.empty((8, first.d), np.float32)
    first.reverse_chain(8, faiss.swig_ptr(rows), faiss.swig_ptr(out))
    return out


def save(index, name, factory, metric, d, ids):
    path = OUT / f"{name}.index"
    faiss.write_index(index, str(path))
    # Block lists that were read back crash faiss when they are reconstructed.
    source = index if "x4fs" in name else faiss.read_index(str(path))
    np.savez_compressed(OUT / f"{name}_results.npz", **answers(source, metric, d, ids))
    RECORDS.append(dict(name=name, factory=factory, metric=metric, d=d))


def change(factory, metric, d, index, name):
    add_more = trained(factory, metric, d)
    add(add_more, wide(MORE[:10], d), MORE_IDS[:10])
    assert index.remove_ids(IDS[10:20]) == 10
    add(index, wide(MORE[10:], d), MORE_IDS[10:])
    if isinstance(faiss.downcast_index(index), faiss.IndexPreTransform):
        # faiss merges no transformed indexes.
        add(index, wide(MORE[:10], d), MORE_IDS[:10])
    else:
        index.merge_from(add_more)
    faiss.write_index(index, str(OUT / f"{name}_changed.index"))


def repeated():
    for factory in ("IDMap,Flat", "IDMap2,SQ8"):
        index = trained(factory, "l2", D)
        index.add_with_ids(BASE, np.arange(100) // 4 * 5 - 20)
        name = factory.lower().replace(",", "_") + "_repeated"
        faiss.write_index(index, str(OUT / f"{name}.index"))
        distances, ids = index.search(QUERIES, 40)
        found = dict(D=distances, I=ids)
        if factory.startswith("IDMap2"):
            found["reconstruct"] = np.stack([index.reconstruct(5 * i) for i in range(8)])
        np.savez_compressed(OUT / f"{name}_results.npz", **found)


def draw(n):
    """Clustered vectors `[n, 8]` with noise, away from the origin so that norms differ."""
    values = CENTRES[rng.integers(0, len(CENTRES), n)] + 0.6 * rng.standard_normal((n, D))
    return (values + 0.2).astype(np.float32)


faiss.omp_set_num_threads(1)
OUT = pathlib.Path(sys.argv[1])
OUT.mkdir(exist_ok=True)
rng = np.random.default_rng(SEED)
CENTRES = rng.standard_normal((16, D))
TRAIN, BASE, MORE, QUERIES = draw(1000), draw(100), draw(30), draw(24)
IDS = rng.permutation(130) * 3 + 7
IDS, MORE_IDS = IDS[:100], IDS[100:]
RECORDS = []
for values, name in ((BASE, "base"), (MORE, "more"), (QUERIES, "queries"), (IDS, "ids"), (MORE_IDS, "more_ids")):
    np.save(OUT / f"{name}.npy", values)
for factory, metrics, d, sound in KINDS:
    for metric in metrics:
        index = trained(factory, metric, d)
        add(index, wide(BASE, d), IDS)
        name = f"{factory.lower().replace(',', '_').replace('(', '_').replace(')', '').replace('+', 'plus')}_{metric}"
        # `LSH` leaves a dimension open in its string.
        open_string = factory.endswith("LSH")
        save(index, name, None if open_string else factory, metric, d, IDS)
        if factory == "IVF4,PQ2+4":
            index.add(wide(MORE, d))
            faiss.write_index(index, str(OUT / f"{name}_added.index"))
        if sound:
            change(factory, metric, d, index, name)
repeated()
(OUT / "kinds.json").write_text("[\n" + ",\n".join(json.dumps(kind) for kind in RECORDS) + "\n]\n")
