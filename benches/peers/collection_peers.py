#!/usr/bin/env python3
"""The sides of faiss and LanceDB in the `collection` benchmark.

    collection_peers.py prepare FOLDER N LEAST NLIST [REAL.npy]   makes those of the files below that are not there yet
    collection_peers.py serve faiss|lancedb                       answers one JSON request a line, until its input ends

Vectors are raw little-endian float16, row-major, `D` to a row: unit vectors of a Gaussian that was fitted to the
descriptors of 9,144 photographs. Their mean has length 0.155, and the variances along the axes of the Gaussian fall as
(i + 8)^-0.5, i from 1 to `D`, to a sum of 0.976; the axes are random. With REAL.npy, mean and covariance are those of
its rows. Each query lies beside one of the first LEAST vectors, normalise(x + 0.6 g / sqrt(D)), g standard normal.

    base.f16          N vectors
    query.f16         1,000 queries
    truth.i64         the row of base.f16 that each query was made from
    quantiser.faiss   IVF{NLIST},PQ8x8 for the collection and for faiss, trained on 64 vectors a cell; holds nothing

A request is `{"do": NAME, ...}`, its other members the parameters of the method of that name; the answer is
`{"value": NUMBER}` or `{"error": TEXT}`. Each side keeps its entries in its working folder, and ranks ten codes by
stored descriptors for each match.
"""
import datetime
import json
import pathlib
import shutil
import sys
import time
import warnings

import numpy as np

D, QUERIES, SEED, M = 512, 1000, 1234, 8
TRAINING_PER_CELL, ITERATIONS = 64, 10
BLOCK = 65_536
RANKED_PER_MATCH = 10


# Files


def prepare(folder, n, least, nlist, real):
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "base.f16").exists():
        print(f"making {folder / 'base.f16'}", file=sys.stderr, flush=True)
        make_vectors(folder, n, least, fitted(np.load(real)) if real else standard())
    if not (folder / "quantiser.faiss").exists():
        print(f"making {folder / 'quantiser.faiss'}", file=sys.stderr, flush=True)
        make_quantiser(folder, nlist)


def standard():
    """Mean `[D]` and factor `[D, D]` of the Gaussian that was fitted to photographs."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    axes, _ = np.linalg.qr(generator.standard_normal((D, D)))
    variances = (np.arange(1, D + 1) + 8.0) ** -0.5
    factor = np.sqrt(0.976 * variances / variances.sum())[:, None] * axes.T
    mean = generator.standard_normal(D)
    return (0.155 * mean / np.linalg.norm(mean)).astype("f4"), factor.astype("f4")


def fitted(rows):
    rows = normalise(rows.astype("f8"))
    variances, axes = np.linalg.eigh(np.cov(rows.T))
    factor = np.sqrt(np.maximum(variances, 0))[:, None] * axes.T
    return rows.mean(0).astype("f4"), factor.astype("f4")


def make_vectors(folder, n, least, gaussian):
    mean, factor = gaussian
    generator = np.random.Generator(np.random.PCG64(SEED + 1))
    truth = np.sort(generator.choice(least, QUERIES, replace=least < QUERIES)).astype("<i8")
    near = np.empty((QUERIES, D), "f4")
    with open(folder / "base.f16.part", "wb") as out:
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            x = normalise(mean + generator.standard_normal((count, D), dtype="f4") @ factor).astype("<f2")
            x.tofile(out)
            here = (truth >= start) & (truth < start + count)
            near[here] = x[truth[here] - start]
    noise = generator.standard_normal((QUERIES, D), dtype="f4") / np.float32(np.sqrt(D))
    order = generator.permutation(QUERIES)
    normalise(near + 0.6 * noise)[order].astype("<f2").tofile(folder / "query.f16")
    truth[order].tofile(folder / "truth.i64")
    (folder / "base.f16.part").rename(folder / "base.f16")


def make_quantiser(folder, nlist):
    import faiss

    index = faiss.index_factory(D, f"IVF{nlist},PQ{M}x8")
    index.cp.max_points_per_centroid, index.cp.niter = TRAINING_PER_CELL, ITERATIONS
    index.train(rows(folder / "base.f16", 0, TRAINING_PER_CELL * nlist).astype("f4"))
    faiss.write_index(index, str(folder / "quantiser.faiss.part"))
    (folder / "quantiser.faiss.part").rename(folder / "quantiser.faiss")


def normalise(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def rows(path, first, count):
    """Rows of a raw file in float16, at most `count` from `first` on."""
    return np.fromfile(path, "<f2", count * D, offset=2 * first * D).reshape(-1, D)


# Sides


class Side:
    """What both sides share: `found` answers queries `[n, D]` with the first row found for each."""

    queries = None

    def load(self, path, count):
        self.queries = rows(path, 0, count).astype("f4")
        return len(self.queries)

    def add(self, vectors, first, count, block):
        """Seconds of adding, reading the file left out."""
        self.resume()
        seconds = 0.0
        for start in range(first, first + count, block):
            x = rows(vectors, start, min(block, first + count - start))
            began = time.perf_counter()
            self.store(start, x)
            seconds += time.perf_counter() - began
        return seconds

    def batch(self, nprobe, count, k):
        queries = self.queries[:count]
        began = time.perf_counter()
        self.found(queries, nprobe, k)
        return time.perf_counter() - began

    def single(self, nprobe, count, k):
        seconds = []
        for query in self.queries[:count]:
            began = time.perf_counter()
            self.found(query[None], nprobe, k)
            seconds.append(time.perf_counter() - began)
        return np.median(seconds)

    def answers(self, nprobe, count, k, to):
        firsts = self.found(self.queries[:count], nprobe, k)
        np.asarray(firsts, "<i8").tofile(to)
        return len(firsts)

    def memory(self):
        """Resident memory that no file backs, in MiB."""
        status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("RssAnon:")[1].split()[0]) / 1024

    def bytes(self):
        return sum(file.stat().st_size for file in self.kept.rglob("*") if file.is_file())


class Faiss(Side):
    """IndexIVFPQ, ranked again by float16; entries are in memory, and written to a file by `settle`."""

    kept = pathlib.Path("faiss")

    def __init__(self):
        import faiss

        self.faiss = faiss
        self.version = f"faiss {faiss.__version__} ({faiss.get_compile_options().split()[-1]})"
        self.file = str(self.kept / "refined.faiss")
        self.index = self.inverted = None

    def create(self, quantiser, nlist):
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir()
        codes = self.faiss.read_index(quantiser)
        exact = self.faiss.IndexScalarQuantizer(D, self.faiss.ScalarQuantizer.QT_fp16, self.faiss.METRIC_L2)
        exact.is_trained = True
        self.use(self.faiss.IndexRefine(codes, exact))
        self.parts = codes, exact
        return self.settle()

    def use(self, index):
        self.index = index
        self.inverted = self.faiss.downcast_index(index.base_index)
        index.k_factor = RANKED_PER_MATCH

    def resume(self):
        if self.index is None:
            self.open()

    def store(self, first, x):
        self.index.add(x.astype("f4"))

    def settle(self):
        """Seconds of writing the file."""
        began = time.perf_counter()
        self.faiss.write_index(self.index, self.file)
        return time.perf_counter() - began

    def open(self):
        self.index = self.inverted = self.parts = None
        began = time.perf_counter()
        self.use(self.faiss.read_index(self.file))
        return time.perf_counter() - began

    def found(self, queries, nprobe, k):
        self.inverted.nprobe = nprobe
        _, ids = self.index.search(queries, k)
        return ids[:, 0]


class LanceDb(Side):
    """A table of float16 vectors with an IVF_PQ index, trained by LanceDB on as many vectors a cell as the others'."""

    kept = pathlib.Path("lancedb")

    def __init__(self):
        import lancedb
        import pyarrow

        self.lancedb, self.arrow = lancedb, pyarrow
        self.version = f"LanceDB {lancedb.__version__}"
        self.table = None

    def create(self, quantiser, nlist):
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir()
        (self.kept.parent / "nlist").write_text(str(nlist), encoding="utf-8")
        vector = self.arrow.list_(self.arrow.float16(), D)
        schema = {"id": self.arrow.int64(), "name": self.arrow.string(), "vector": vector}
        self.lancedb.connect(str(self.kept)).create_table("entries", schema=self.arrow.schema(schema))
        return 0

    def resume(self):
        self.open()

    def store(self, first, x):
        ids = range(first, first + len(x))
        vectors = self.arrow.FixedSizeListArray.from_arrays(self.arrow.array(x.reshape(-1)), D)
        names = self.arrow.array([f"{number:08}.jpg" for number in ids])
        columns = {"id": self.arrow.array(ids, self.arrow.int64()), "name": names, "vector": vectors}
        self.table.add(self.arrow.table(columns))

    def settle(self):
        """Seconds of merging fragments and of training the index. The order matters: `optimize` behind the training joins
        all cells into one, in LanceDB 0.40."""
        nlist = int((self.kept.parent / "nlist").read_text(encoding="utf-8"))
        began = time.perf_counter()
        for index in self.table.list_indices():
            self.table.drop_index(index.name)
        self.table.optimize(cleanup_older_than=datetime.timedelta(0), delete_unverified=True)
        self.table.create_index(
            "vector",
            config=self.lancedb.index.IvfPq(
                distance_type="l2",
                num_partitions=nlist,
                num_sub_vectors=M,
                num_bits=8,
                sample_rate=TRAINING_PER_CELL,
                max_iterations=ITERATIONS,
            ),
            replace=True,
        )
        return time.perf_counter() - began

    def open(self):
        self.table = None
        began = time.perf_counter()
        self.table = self.lancedb.connect(str(self.kept)).open_table("entries")
        return time.perf_counter() - began

    def found(self, queries, nprobe, k):
        if len(queries) == 1:
            return self.search(queries[0], nprobe, k)["id"].to_numpy()[:1]
        table = self.search(queries, nprobe, k)
        of, ids = table["query_index"].to_numpy(), table["id"].to_numpy()
        _, firsts = np.unique(of, return_index=True)
        answers = np.full(len(queries), -1)
        answers[of[firsts]] = ids[firsts]
        return answers

    def search(self, queries, nprobe, k):
        query = self.table.search(queries, vector_column_name="vector").nprobes(nprobe)
        return query.refine_factor(RANKED_PER_MATCH).limit(k).select(["id", "_distance"]).to_arrow()


def serve(side):
    # Removing old versions at once is meant.
    warnings.simplefilter("ignore")
    print(side.version, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": float(getattr(side, request.pop("do"))(**request))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        folder, n, least, nlist, *real = sys.argv[2:]
        prepare(pathlib.Path(folder), int(n), int(least), int(nlist), real[0] if real else None)
    else:
        serve({"faiss": Faiss, "lancedb": LanceDb}[sys.argv[2]]())
