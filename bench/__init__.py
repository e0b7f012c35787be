"""One suite of benchmarks: every answer is asserted before its time is printed.

    python -m bench                                     all of them, about an hour
    python -m bench --quick                             small sizes and budgets, about 5 minutes
    python -m bench --list                              names, parameters and their values
    python -m bench surrogate.hessian --rows 1e5,1e6    some of them, a value each or several
    python -m bench regression --problem V1,V6 --time 5
    python -m bench --write                             also renews bench/README.md

Run it from the repository's root. A name selects itself and all it begins. Our calls and the peer's
take turns on the same rows and the same processors (the process is bound to `--threads` of them);
times are medians. Peers that are not installed are left out, and the reason is printed. Distances
are from what this machine was measured to do at best. Where a target of the suite is missed, our
work runs once more under `perf`, and the dearest functions are named.

The status is 1 when a target is missed or a benchmark fails.
"""
