"""Every benchmark of the suite, with the values of its parameters."""

from __future__ import annotations

from functools import partial

from bench import (
    blackbox,
    budgets,
    cluster,
    coverage,
    empirical,
    engines,
    exact_rules,
    export,
    expressions,
    fastsrb,
    fatigue,
    gpu,
    guard,
    laws,
    networks,
    nist,
    noise,
    papers,
    regression,
    scale,
    search_rate,
    search_threads,
    srbench,
    strogatz,
    surrogate_derivatives,
    surrogate_fit,
    surrogate_structure,
    trained_models,
    trained_rules,
    trained_systems,
    verdicts,
)
from bench.record import Benchmark

RULES = tuple("1234567")
PEERS = (engines.OURS, *engines.OFFERED)
FEW_FEYNMAN = ("I.12.11", "I.16.6", "I.34.10", "I.39.11", "II.38.14", "III.17.37")
# As many as keep the CPU busy for seconds.
GPU_ROWS = {
    "surrogate": 1_000_000,
    "separability": 1_000_000,
    "fit": 200_000,
    "network": 100_000,
    "expressions": 100_000,
    "search": 1_000_000,
}

SUITE = (
    Benchmark(
        "expression",
        expressions.run,
        {"formula": tuple(expressions.TEXTS), "rows": (1_000_000,)},
    ),
    *(
        Benchmark(
            f"surrogate.{what}",
            partial(surrogate_derivatives.run, what),
            {"rows": (1_000_000,)},
            {"rows": (100_000,)},
        )
        for what in ("value", "gradient", "hessian")
    ),
    Benchmark(
        "surrogate.fit",
        surrogate_fit.run,
        {"rows": (1_000_000,), "limit": (300,)},
        {"rows": (200_000,), "limit": (30,)},
    ),
    Benchmark(
        "surrogate.structure",
        surrogate_structure.run,
        {"law": tuple(surrogate_structure.LAWS), "draws": (5,)},
        {"law": ("V5", "nested"), "draws": (2,)},
    ),
    Benchmark(
        "scale.rows",
        partial(scale.run_sweep, "scale.rows"),
        {"rows": (10_000, 100_000, 1_000_000, 10_000_000), "inputs": (5,)},
        {"rows": (10_000, 100_000)},
        scale.summarise,
    ),
    Benchmark(
        "scale.inputs",
        partial(scale.run_sweep, "scale.inputs"),
        {"rows": (200_000,), "inputs": (2, 5, 10, 20, 50)},
        {"rows": (50_000,), "inputs": (5, 20)},
        scale.summarise,
    ),
    Benchmark(
        "scale.chunked",
        scale.run_chunked,
        {
            "kind": ("map", "iterator", "parquet"),
            "gigabytes": (1.0,),
            "inputs": (10,),
            "time": (60.0,),
        },
        {"gigabytes": (0.05,), "time": (20.0,)},
    ),
    Benchmark(
        "cluster",
        cluster.run,
        {"rows": (10_000_000,), "partitions": (64,), "workers": (1, 2, 4)},
        {"rows": (100_000,), "workers": (1, 2)},
    ),
    Benchmark(
        "network.gradient",
        networks.run,
        {"dtype": ("float32", "float64"), "rows": (10_000,), "width": (1000,)},
        {"rows": (2000,)},
    ),
    Benchmark(
        "search.rate",
        search_rate.run,
        {"problem": ("V1", "V4", "V8", "rule 6"), "time": (5.0,)},
        {"problem": ("V4",), "time": (2.0,)},
    ),
    Benchmark(
        "search.threads",
        search_threads.run,
        {"evaluations": (20_000_000,)},
        {"evaluations": (1_000_000,)},
    ),
    Benchmark(
        "rules.exact",
        exact_rules.run,
        {"rule": RULES, "symmetries": ("on", "off"), "draws": (5,), "time": (60.0,)},
        {"rule": ("1", "3"), "draws": (2,), "time": (20.0,)},
        exact_rules.summarise,
    ),
    Benchmark(
        "rules.trained",
        trained_rules.run,
        {"rule": RULES, "weights": ("equal",), "time": (10.0,)},
        {"rule": ()},
        trained_rules.summarise,
    ),
    Benchmark(
        "systems.trained",
        trained_systems.run,
        {"system": trained_systems.NAMES, "draw": (0, 1), "evaluations": (240_000,)},
        {"system": ("trace of 2x2", "determinant"), "draw": (0,)},
        trained_systems.summarise,
    ),
    Benchmark(
        "models.trained",
        trained_models.run,
        {"draw": tuple(range(10)), "evaluations": (240_000,)},
        {"draw": (0,)},
        trained_models.summarise,
    ),
    Benchmark(
        "regression.vladislavleva",
        regression.run_vladislavleva,
        {"problem": tuple(regression.VLADISLAVLEVA), "time": (30.0,)},
        {"problem": ("V1", "V5", "V6"), "time": (4.0,)},
        regression.summarise,
    ),
    Benchmark(
        "regression.feynman",
        regression.run_feynman,
        {"problem": tuple(regression.FEYNMAN), "time": (5.0,)},
        {"problem": FEW_FEYNMAN, "time": (3.0,)},
        regression.summarise,
    ),
    Benchmark("export", export.run, {"time": (60.0,)}),
    Benchmark(
        "laws",
        laws.run,
        {"law": tuple(laws.CASES), "draws": (3,), "time": (15.0,)},
        {"law": ("nested",), "draws": (2,)},
    ),
    Benchmark(
        "fatigue",
        fatigue.run,
        {"size": (40, 120), "splits": (5,), "time": (30.0,)},
        {"size": (), "splits": (1,)},
    ),
    *(
        Benchmark(
            f"verdicts.{what}",
            run,
            {"draws": (draws,), "evaluations": (50_000,), "state": ("",)},
            {"draws": (1,), "evaluations": (5000,)},
        )
        for what, run, draws in (
            ("noise", verdicts.run_noise, 20),
            ("laws", verdicts.run_laws, 5),
            ("outside", verdicts.run_outside, 10),
        )
    ),
    Benchmark(
        "verdicts.coverage",
        coverage.run,
        {"noise": tuple(coverage.NOISES), "draws": (1000,)},
        {"noise": ("absolute",), "draws": (50,)},
    ),
    Benchmark(
        "verdicts.budgets",
        budgets.run,
        {"law": tuple(noise.LAWS), "evaluations": (600_000,), "state": ("",)},
        {"law": ("I.39.22",), "evaluations": (12_000,)},
        budgets.summarise,
    ),
    Benchmark(
        "papers",
        papers.run,
        {"paper": tuple(papers.PAPERS), "draws": (3,), "time": (30.0,)},
        {"paper": ("V1", "Lorenz", "rules"), "draws": (1,), "time": (3.0,)},
    ),
    Benchmark("nist", nist.run, {"evaluations": (300_000,)}, {"evaluations": (2000,)}),
    Benchmark(
        "noise",
        noise.run,
        {
            "law": tuple(noise.LAWS),
            "kind": noise.KINDS,
            "rows": (200, 2000),
            "level": (0.0, 0.01, 0.05, 0.1, 0.2),
            "time": (10.0,),
            "state": ("",),
        },
        {
            "law": ("I.39.22", "III.17.37"),
            "kind": ("absolute", "outliers"),
            "rows": (200,),
            "level": (0.05,),
            "time": (2.0,),
        },
        noise.summarise,
    ),
    Benchmark(
        "public.fastsrb",
        fastsrb.run,
        {
            "engine": PEERS,
            "time": (10.0,),
            "evaluations": (400_000,),
            "laws": ("all",),
            "state": ("",),
        },
        {"engine": (engines.OURS,), "evaluations": (5000,), "laws": ("1/60",)},
    ),
    Benchmark(
        "public.srbench",
        srbench.run,
        {
            "engine": PEERS,
            "time": (10.0,),
            "evaluations": (1_000_000,),
            "noise": (0.0,),
            "units": (srbench.WITHOUT, srbench.WITH),
            "laws": ("1/4",),
            "state": ("",),
        },
        {"engine": (engines.OURS,), "evaluations": (5000,), "laws": ("1/60",)},
    ),
    Benchmark(
        "public.strogatz",
        strogatz.run,
        {"engine": PEERS, "time": (10.0,), "evaluations": (300_000,), "noise": (0.0,)},
        {"engine": (engines.OURS,), "evaluations": (5000,)},
    ),
    Benchmark(
        "public.empirical",
        empirical.run,
        {"engine": PEERS, "time": (20.0,), "seeds": (5,)},
        {"engine": (engines.OURS,), "time": (5.0,), "seeds": (1,)},
    ),
    Benchmark(
        "public.blackbox",
        blackbox.run,
        {"engine": blackbox.ENGINES, "time": (20.0,), "splits": (3,)},
        {"engine": (engines.OURS,), "time": (1.0,), "splits": (1,)},
    ),
    Benchmark("gpu.machine", gpu.run_machine, {"link": (25.0,)}),
    *(
        Benchmark(
            f"gpu.{what}",
            partial(gpu.run, what),
            {"dtype": tuple(gpu.DTYPES), "rows": (rows,), "link": (25.0,)},
            {"rows": (rows // 10,)},
        )
        for what, rows in GPU_ROWS.items()
    ),
    Benchmark(
        "guard",
        guard.run,
        {"what": tuple(guard.REPEATS), "rows": (10_000_000,), "against": ("",)},
        {"what": ("start", "fit", "rules"), "rows": (200_000,)},
    ),
)
