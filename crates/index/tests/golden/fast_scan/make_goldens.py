"""Writes small fast-scan indexes and faiss's answers to them. Needs faiss 1.15 and numpy.

For each index: `NAME.index` as faiss writes it, and `NAME.results`, little-endian: the queries, float32 [5, 14];
for nprobe 1 and 5 the cells, int64 [5, nprobe], and coarse distances, float32 [5, nprobe]; then for k 1, 20 and 40
the distances, float32 [5, k], and ids, int64 [5, k].
"""

import pathlib

import faiss
import numpy as np

HERE = pathlib.Path(__file__).parent
D, N, QUERIES = 14, 230, 5

faiss.omp_set_num_threads(1)
for metric, letter in [(faiss.METRIC_L2, "l2"), (faiss.METRIC_INNER_PRODUCT, "ip")]:
    for suffix in ["fs", "fsr"]:
        rng = np.random.default_rng(7)
        vectors = rng.standard_normal((N, D)).astype("float32")
        index = faiss.index_factory(D, f"IVF5,PQ7x4{suffix}", metric)
        index.train(vectors)
        index.add_with_ids(vectors, np.arange(N) * 3 + 1)
        # An empty list, and stale codes after the last entry of another one.
        lists = index.invlists
        ids = faiss.rev_swig_ptr(lists.get_ids(2), lists.list_size(2)).copy()
        index.remove_ids(np.concatenate([ids, np.arange(0, 3 * N, 12) + 1]))
        name = f"{letter}_{suffix}"
        faiss.write_index(index, str(HERE / f"{name}.index"))
        queries = rng.standard_normal((QUERIES, D)).astype("float32")
        with open(HERE / f"{name}.results", "wb") as out:
            out.write(queries.tobytes())
            for nprobe in [1, 5]:
                index.nprobe = nprobe
                distances, cells = index.quantizer.search(queries, nprobe)
                out.write(cells.tobytes() + distances.tobytes())
                for k in [1, 20, 40]:
                    distances, ids = index.search(queries, k)
                    out.write(distances.tobytes() + ids.tobytes())
