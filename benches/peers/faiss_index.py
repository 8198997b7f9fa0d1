#!/usr/bin/env python3
"""faiss's side of the `search` benchmark.

    faiss_index.py prepare FOLDER N FILE...   makes those of the files below that are not there yet
    faiss_index.py serve                      answers one JSON request a line, until its input ends

Vectors are raw little-endian float32, row-major, `D` to a row. They lie around unit centres, x = normalise(centre +
g / sqrt(D)), and each query beside a stored vector, normalise(x + 0.6 g / sqrt(D)), where g is standard normal.

    base.f32          N vectors
    query.f32         10,000 queries
    truth.i64         the row of base.f32 that each query was made from
    empty.faiss       IVF4096,PQ8x8, trained, holding nothing
    ivfpq.faiss       the same, holding base.f32
    fastscan.faiss    IVF4096,PQ64x4fs on the same coarse centroids, holding base.f32
    lsh.faiss         LSH of 512 bits, holding base.f32
    residuals.f32     what is left of the first vectors once their coarse centroids are subtracted
    random-K.faiss    empty.faiss with K random codes, in lists as unequal as those of ivfpq.faiss

A request is `{"do": NAME, ...}`, its other members the parameters of the function of that name under "Requests"; the
answer is `{"value": NUMBER}` or `{"error": TEXT}`. Files to write are relative to the working folder. The thread count
is OMP_NUM_THREADS.
"""
import functools
import json
import os
import pathlib
import sys
import time

import faiss
import numpy as np

D, NLIST, CENTRES, QUERIES, SEED = 512, 4096, 8192, 10_000, 1234
TRAINING, PQ_TRAINING = 64 * NLIST, 65_536
BLOCK = 65_536


# Files


def prepare(folder, n, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        need(folder, n, name)


def need(folder, n, name):
    """The path of a file, which is made first where it is missing."""
    path = folder / name
    if not path.exists():
        print(f"making {path}", file=sys.stderr, flush=True)
        if name in ("base.f32", "query.f32", "truth.i64"):
            make_vectors(folder, n)
        elif name.startswith("random-"):
            make_random(path, functools.partial(need, folder, n), int(path.stem.removeprefix("random-")))
        else:
            MAKERS[name](path, functools.partial(need, folder, n))
    return path


def make_vectors(folder, n):
    generator = np.random.Generator(np.random.PCG64(SEED))
    centres = normalise(noise(generator, CENTRES))
    of = generator.integers(0, CENTRES, n)
    truth = generator.choice(n, QUERIES, replace=n < QUERIES).astype("<i8")
    near = np.empty((QUERIES, D), "<f4")
    with open(folder / "base.f32.part", "wb") as out:
        for start in range(0, n, BLOCK):
            cells = of[start : start + BLOCK]
            x = normalise(centres[cells] + noise(generator, len(cells)))
            x.astype("<f4").tofile(out)
            here = (truth >= start) & (truth < start + len(x))
            near[here] = x[truth[here] - start]
    normalise(near + 0.6 * noise(generator, QUERIES)).astype("<f4").tofile(folder / "query.f32")
    truth.tofile(folder / "truth.i64")
    (folder / "base.f32.part").rename(folder / "base.f32")


def noise(generator, n):
    """`[n, D]` of about unit length."""
    return generator.standard_normal((n, D), dtype=np.float32) / np.float32(np.sqrt(D))


def normalise(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def make_empty(path, need):
    index = faiss.index_factory(D, f"IVF{NLIST},PQ8x8")
    index.cp.max_points_per_centroid = TRAINING // NLIST
    index.train(read_rows(need("base.f32"), TRAINING))
    write(index, path)


def make_ivfpq(path, need):
    fill(faiss.read_index(str(need("empty.faiss"))), path, need)


def make_fastscan(path, need):
    trained = faiss.read_index(str(need("empty.faiss")))
    index = faiss.IndexIVFPQFastScan(trained.quantizer, D, NLIST, 64, 4)
    index.train(read_rows(need("base.f32"), TRAINING))
    fill(index, path, need)


def make_lsh(path, need):
    fill(faiss.IndexLSH(D, D), path, need)


def make_residuals(path, need):
    index = faiss.read_index(str(need("empty.faiss")))
    x = read_rows(need("base.f32"), PQ_TRAINING)
    _, cells = index.quantizer.search(x, 1)
    part = f"{path}.part"
    (x - index.quantizer.reconstruct_batch(cells[:, 0])).astype("<f4").tofile(part)
    os.replace(part, path)


def make_random(path, need, count):
    sizes = list_sizes(faiss.read_index(str(need("ivfpq.faiss"))))
    index = faiss.read_index(str(need("empty.faiss")))
    generator = np.random.Generator(np.random.PCG64(SEED))
    first = 0
    for cell, size in enumerate(generator.multinomial(count, sizes / sizes.sum()).tolist()):
        if size:
            ids = np.arange(first, first + size, dtype=np.int64)
            codes = generator.integers(0, 256, (size, index.code_size), dtype=np.uint8)
            index.invlists.add_entries(cell, size, faiss.swig_ptr(ids), faiss.swig_ptr(codes))
            first += size
    index.ntotal = first
    write(index, path)


MAKERS = {
    "empty.faiss": make_empty,
    "ivfpq.faiss": make_ivfpq,
    "fastscan.faiss": make_fastscan,
    "lsh.faiss": make_lsh,
    "residuals.f32": make_residuals,
}


def fill(index, path, need):
    vectors = need("base.f32")
    for x in blocks(vectors, vectors.stat().st_size // (4 * D), BLOCK):
        index.add(x)
    write(index, path)


def write(index, path):
    part = f"{path}.part"
    faiss.write_index(index, part)
    os.replace(part, path)


def read_rows(path, count):
    """The first `count` vectors, or all where there are fewer."""
    return np.fromfile(path, dtype="<f4", count=count * D).reshape(-1, D)


def blocks(path, count, block):
    with open(path, "rb") as file:
        for start in range(0, count, block):
            yield np.fromfile(file, dtype="<f4", count=min(block, count - start) * D).reshape(-1, D)


def list_sizes(index):
    return np.array([index.invlists.list_size(cell) for cell in range(index.nlist)], dtype=np.int64)


# Requests


class Server:
    """What requests work on: the index last opened and the vectors last loaded."""

    index = None
    rows = None

    def open(self, path, queries):
        """Seconds to open an index and answer the first `queries` of the loaded vectors at nprobe 16."""
        self.index = None
        start = time.perf_counter()
        self.index = faiss.read_index(path)
        if queries:
            self.visit(16)
            self.index.search(self.rows[:queries], 10)
        return time.perf_counter() - start

    def load(self, path, count):
        self.rows = read_rows(path, count)
        return len(self.rows)

    def batch(self, nprobe, count, k):
        """Seconds of one search for the first `count` loaded vectors."""
        self.visit(nprobe)
        x = self.rows[:count]
        start = time.perf_counter()
        self.index.search(x, k)
        return time.perf_counter() - start

    def single(self, nprobe, count, k):
        """Median seconds of a search for one vector, into buffers made beforehand: the C call and little else."""
        self.visit(nprobe)
        distances, ids = np.empty((1, k), np.float32), np.empty((1, k), np.int64)
        into = faiss.swig_ptr(distances), faiss.swig_ptr(ids)
        queries = [faiss.swig_ptr(row) for row in self.rows[:count]]
        seconds = []
        for query in queries:
            start = time.perf_counter()
            self.index.search_c(1, query, k, *into)
            seconds.append(time.perf_counter() - start)
        return float(np.median(seconds))

    def answers(self, nprobe, count, k, to):
        """Writes the ids found, `[count, k]`, and counts them."""
        self.visit(nprobe)
        _, ids = self.index.search(self.rows[:count], k)
        ids.astype("<i8").tofile(to)
        return ids.size

    def visited(self, nprobe, count):
        """Codes that one of the first `count` loaded vectors meets on average."""
        self.visit(nprobe)
        stats = faiss.cvar.indexIVF_stats
        stats.reset()
        self.index.search(self.rows[:count], 10)
        return stats.ndis / count

    def train(self, factory, iterations, max_points_per_centroid, to):
        """Seconds of training on the loaded vectors."""
        index = configured(factory, iterations, max_points_per_centroid)
        start = time.perf_counter()
        index.train(self.rows)
        seconds = time.perf_counter() - start
        faiss.write_index(index, to)
        return seconds

    def add(self, index, vectors, count, block, to):
        """Seconds of adding `count` vectors to an index, reading them not counted."""
        self.index = faiss.read_index(index)
        seconds = 0
        for x in blocks(vectors, count, block):
            start = time.perf_counter()
            self.index.add(x)
            seconds += time.perf_counter() - start
        faiss.write_index(self.index, to)
        return seconds

    def memory(self):
        """Peak resident MiB of this process."""
        status = pathlib.Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def product(self):
        """GFLOP/s of a float32 matrix product in NumPy."""
        a = np.ones((NLIST, D), np.float32)
        seconds = []
        for _ in range(6):
            start = time.perf_counter()
            a @ a.T
            seconds.append(time.perf_counter() - start)
        return 2 * NLIST * NLIST * D / min(seconds) / 1e9

    def distortion(self, index):
        """Mean squared distance of the loaded vectors from what the index would store for them; where it stores
        them as they are, from their coarse centroids."""
        index = faiss.read_index(index)
        total = 0.0
        for start in range(0, len(self.rows), BLOCK):
            x = self.rows[start : start + BLOCK]
            total += np.square(x - stored(index, x), dtype=np.float64).sum()
        return total / len(self.rows)

    def agreement(self, ours, theirs):
        """Share of the vectors that two indexes hold in the same cell under the same code."""
        (a, b) = (cells_and_codes(faiss.read_index(path)) for path in (ours, theirs))
        return float((a == b).all(1).mean()) if a.shape == b.shape else 0.0

    def visit(self, nprobe):
        inverted = faiss.try_extract_index_ivf(self.index)
        if inverted is not None:
            inverted.nprobe = nprobe


def configured(factory, iterations, max_points_per_centroid):
    """An index to train, every k-means in it and the alternation of OPQ at `iterations`."""
    index = faiss.index_factory(D, factory)
    inverted = faiss.downcast_index(faiss.extract_index_ivf(index))
    inverted.cp.niter, inverted.cp.max_points_per_centroid = iterations, max_points_per_centroid
    if isinstance(inverted, faiss.IndexIVFPQ):
        inverted.pq.cp.niter = iterations
    if isinstance(index, faiss.IndexPreTransform):
        faiss.downcast_VectorTransform(index.chain.at(0)).niter = iterations
    return index


def stored(index, x):
    if isinstance(index, faiss.IndexIVFFlat):
        _, cells = index.quantizer.search(x, 1)
        return index.quantizer.reconstruct_batch(cells[:, 0])
    return index.sa_decode(index.sa_encode(x))


def cells_and_codes(index):
    """`[ntotal, 1 + code_size]`: the cell of each id, and its code."""
    held = np.full((index.ntotal, 1 + index.code_size), -1, np.int64)
    for cell, size in enumerate(list_sizes(index).tolist()):
        if size:
            ids = faiss.rev_swig_ptr(index.invlists.get_ids(cell), size)
            codes = faiss.rev_swig_ptr(index.invlists.get_codes(cell), size * index.code_size)
            held[ids, 0], held[ids, 1:] = cell, codes.reshape(size, -1)
    return held


def serve():
    print(f"faiss {faiss.__version__} ({faiss.get_compile_options().split()[-1]})", flush=True)
    server = Server()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": float(getattr(server, request.pop("do"))(**request))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    faiss.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    if sys.argv[1] == "prepare":
        prepare(pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    else:
        serve()
