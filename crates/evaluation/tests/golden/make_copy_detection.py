"""Random predictions and what scikit-learn and the definitions of ISC2021 say of them: copy_detection.tsv.

A line is one case: how many pairs match, rows `score:label` with a comma between them, scikit-learn's
average_precision_score, ISC2021's micro average precision, recall at precision 0.9 and the threshold there (`-` where no
threshold has that precision).

scikit-learn counts recall over the positives that are among the rows; times their share of all matches it is recall over
all matches. ISC2021 ranks wrong rows first among equal scores.

    pip install numpy scikit-learn && python make_copy_detection.py
"""

from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score


def isc2021(scores, labels, matches):
    """By the definition: precision and recall after every row of the worst order."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], labels[i]))
    right, points = 0, []
    for place, i in enumerate(order, 1):
        right += int(labels[i])
        points.append((right / place, right / matches, scores[i]))
    average, before = 0.0, 0.0
    for precision, recall, _ in points:
        average += precision * (recall - before)
        before = recall
    sure = [point for point in points if point[0] >= 0.9]
    if not sure:
        return average, "-", "-"
    best = max(sure, key=lambda point: point[1])  # the first of several
    return average, repr(best[1]), repr(best[2])


def line(scores, labels, matches):
    found = int(sum(labels))
    sklearn = average_precision_score(labels, scores) * found / matches if found else 0.0
    average, recall, threshold = isc2021(scores, labels, matches)
    rows = ",".join(f"{score!r}:{int(label)}" for score, label in zip(scores, labels))
    return f"{matches}\t{rows}\t{float(sklearn)!r}\t{average!r}\t{recall}\t{threshold}"


rng = np.random.default_rng(2021)
cases = [([], [], 3), ([0.5], [1], 1), ([0.5], [0], 1), ([0.5] * 6, [1, 0, 1, 0, 0, 1], 3), ([0.25, 0.25], [1, 1], 5)]
for case in range(40):
    n = int(rng.integers(1, 60))
    labels = rng.random(n) < rng.random()
    scores = rng.normal(size=n) + 2 * labels * rng.random()
    if case % 2:  # ties
        scores = np.round(scores)
    missing = int(rng.integers(0, 5))
    matches = max(1, int(labels.sum()) + missing)
    cases.append(([float(score) for score in scores], [int(label) for label in labels], matches))
text = "".join(line(*case) + "\n" for case in cases)
(Path(__file__).parent / "copy_detection.tsv").write_text(text)
