#!/usr/bin/env python3
"""Writes `laws.json`: values drawn from known laws, and the parameters that scipy finds most likely to have given them.

    python make_laws.py        # numpy 2, scipy 1.16
"""

import json
import pathlib

import numpy as np
from scipy import optimize, stats

rng = np.random.default_rng(7)


def rounded(values):
    return [round(float(value), 6) for value in values]


def pareto(shape, scale, n):
    """Excesses of a generalised Pareto law, and its maximum-likelihood fit."""
    values = stats.genpareto.rvs(shape, scale=scale, size=n, random_state=rng)
    values = np.array(rounded(values))
    found_shape, _, found_scale = stats.genpareto.fit(values, floc=0)
    exponential = values.mean()
    deviance = 2 * (
        stats.genpareto.logpdf(values, found_shape, scale=found_scale).sum()
        - stats.expon.logpdf(values, scale=exponential).sum()
    )
    return {
        "values": values.tolist(),
        "shape": float(found_shape),
        "scale": float(found_scale),
        "exponential": float(exponential),
        "deviance": float(deviance),
    }


def truncated(scale, end, n):
    """Excesses of an exponential law that are known below an end alone."""
    values = rng.exponential(scale, n)
    values = np.array(rounded(values[values < end]))

    def loss(ln_scale):
        s = np.exp(ln_scale)
        return -stats.truncexpon.logpdf(values, b=end / s, scale=s).sum()

    found = optimize.minimize_scalar(loss, bounds=(np.log(scale) - 2, np.log(scale) + 2), method="bounded")
    return {"values": values.tolist(), "end": end, "scale": float(np.exp(found.x))}


def best(rate, scale, n):
    """Best values of Poisson processes of mean `rate exp(-s / scale)`, fitted beyond the 60 % point with the rest censored.

    Above the threshold the density of a best value is that of scipy's Gumbel law, below it the distribution function at the
    threshold counts.
    """
    values = np.sort(rounded(stats.gumbel_r.rvs(loc=scale * np.log(rate), scale=scale, size=n, random_state=rng)))
    k = int(0.4 * n)
    threshold, above = values[n - k - 1], values[n - k :]

    def loss(parameters):
        loc, ln_scale = parameters
        law = stats.gumbel_r(loc=loc, scale=np.exp(ln_scale))
        return -(law.logpdf(above).sum() + (n - k) * law.logcdf(threshold))

    found = optimize.minimize(loss, [scale * np.log(rate), np.log(scale)], method="Nelder-Mead",
                              options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 5000})
    loc, s = found.x[0], np.exp(found.x[1])
    return {
        "values": values.tolist(),
        "threshold": float(threshold),
        "rate": float(np.exp(-(threshold - loc) / s)),
        "scale": float(s),
    }


laws = {
    "pareto": [pareto(0.0, 0.0204, 600), pareto(0.25, 0.02, 600), pareto(-0.2, 0.03, 600)],
    "truncated": [truncated(0.0204, 0.05, 600), truncated(0.02, 0.02, 600)],
    "best": [best(1.0, 0.02, 300), best(12.0, 0.025, 500)],
}
pathlib.Path(__file__).with_name("laws.json").write_text(json.dumps(laws) + "\n")
