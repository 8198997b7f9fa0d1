"""Writes the index files of this folder with faiss-cpu 1.15.1 (pip install faiss-cpu==1.15.1 numpy)."""

from pathlib import Path

import faiss
import numpy as np

HERE = Path(__file__).parent
D = 8
vectors = np.random.default_rng(0).standard_normal((1000, D)).astype("float32")


def trained(factory, metric):
    index = faiss.index_factory(D, factory, metric)
    index.train(vectors)
    return index


def write(index, name):
    faiss.write_index(index, str(HERE / f"{name}.index"))


for metric, name in [(faiss.METRIC_L2, "l2"), (faiss.METRIC_INNER_PRODUCT, "ip")]:
    flat = trained("Flat", metric)
    flat.add(vectors[:12])
    write(flat, f"flat_{name}")

index = trained("IVF4,Flat", faiss.METRIC_L2)
index.nprobe = 3
index.add_with_ids(vectors[:20], np.arange(20) * 7 + 3)
write(index, "ivf_flat_l2")

index = trained("IVF4,Flat", faiss.METRIC_INNER_PRODUCT)
index.add(vectors[:1])
write(index, "ivf_flat_ip_sparse")

for kind, name in [(faiss.DirectMap.Array, "array"), (faiss.DirectMap.Hashtable, "hashtable")]:
    index = trained("IVF4,Flat", faiss.METRIC_L2)
    index.set_direct_map_type(kind)
    index.add(vectors[:10])
    write(index, f"ivf_flat_{name}")

index = trained("IVF5,PQ2x8", faiss.METRIC_L2)
index.add(vectors[:40])
write(index, "ivf_pq_l2")

index = faiss.index_factory(D, "IVF4,PQ4x8", faiss.METRIC_INNER_PRODUCT)
index.by_residual = False
index.train(vectors)
write(index, "ivf_pq_ip_empty")
