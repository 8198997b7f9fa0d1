"""faiss's side of the tests that compare with it.

    faiss_peer.py build FOLDER SEED    builds every kind of FOLDER/kinds.json on fresh vectors, writes it and answers
    faiss_peer.py search FOLDER        reads every kind's index and answers

kinds.json holds [factory string, metric, number of vectors] a kind; kind number i has the files i.index, i.distances
and i.ids. Queries are in queries.npy, `[n, 32]`.
"""
import json
import pathlib
import sys

import faiss
import numpy as np

D, K, NPROBE, ITERATIONS = 32, 10, 4, 3


def parts(index):
    """The index and all within it."""
    index = faiss.downcast_index(index)
    yield index
    for name in ("index", "base_index"):
        if isinstance(inner := getattr(index, name, None), faiss.Index):
            yield from parts(inner)


def hasten(index):
    """Few iterations, and no polysemous training, which only permutes codewords."""
    for part in parts(index):
        if hasattr(part, "do_polysemous_training"):
            part.do_polysemous_training = False
        if hasattr(part, "cp"):
            part.cp.niter = ITERATIONS
        if hasattr(part, "pq"):
            part.pq.cp.niter = ITERATIONS
        if hasattr(part, "chain"):
            for i in range(part.chain.size()):
                transform = faiss.downcast_VectorTransform(part.chain.at(i))
                if isinstance(transform, faiss.OPQMatrix):
                    transform.niter, transform.niter_pq, transform.niter_pq_0 = 2, ITERATIONS, ITERATIONS
                    transform.max_train_points = 8192


def answer(index, number):
    inverted = faiss.try_extract_index_ivf(index)
    if inverted is not None:
        inverted.nprobe = NPROBE
    distances, ids = index.search(np.load(folder / "queries.npy"), K)
    distances.tofile(folder / f"{number}.distances")
    ids.tofile(folder / f"{number}.ids")


def build(seed):
    """Clustered vectors with noise; all kinds on the same ones."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((100, D))
    draw = lambda n: (centres[rng.integers(0, 100, n)] + 0.6 * rng.standard_normal((n, D))).astype(np.float32)
    base = draw(max(n for _, _, n in kinds))
    np.save(folder / "queries.npy", draw(200))
    metrics = dict(l2=faiss.METRIC_L2, ip=faiss.METRIC_INNER_PRODUCT)
    for number, (factory, metric, n) in enumerate(kinds):
        index = faiss.index_factory(D, factory, metrics[metric])
        hasten(index)
        index.train(base[: min(n, 20_000)])
        # Maps of ids take no vectors without ids.
        index.add_with_ids(base[:n], 3 * np.arange(n) + 7) if "IDMap" in factory else index.add(base[:n])
        faiss.write_index(index, str(folder / f"{number}.index"))
        answer(index, number)


def search():
    for number in range(len(kinds)):
        answer(faiss.read_index(str(folder / f"{number}.index")), number)


task, folder = sys.argv[1], pathlib.Path(sys.argv[2])
kinds = json.loads((folder / "kinds.json").read_text())
build(int(sys.argv[3])) if task == "build" else search()
