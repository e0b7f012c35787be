"""One suite of benchmarks: every answer is asserted before its time is printed.

    python -m bench                                     all of them, many hours
    python -m bench --quick                             small sizes and budgets, about 5 minutes
    python -m bench --list                              names, parameters and their values
    python -m bench surrogate.hessian --rows 1e5,1e6    some of them, a value each or several
    python -m bench regression --problem V1,V6 --time 5
    python -m bench --write                             also renews bench/README.md
    python -m bench noise --state runs.jsonl            recovery against noise, goes on where it was
    python -m bench systems rules.trained models        neurons: trained here, minutes each
    python -m bench nist                                reference data of nonlinear regression
    python -m bench public                              the field's own, rates as published beside
    python -m bench public --engine closedform          those of ours alone
    python -m bench guard --against COMMIT              what a change costs: new against old

Run it from the repository's root. A name selects itself and all it begins. Our calls and the peer's
take turns on the same rows and the same processors (the process is bound to `--threads` of them);
times are medians. Peers that are not installed are left out, and the reason is printed. Distances
are from what this machine was measured to do at best. Where a target of the suite is missed, our
work runs once more under `perf`, and the dearest functions are named.

The status is 1 when a target is missed or a benchmark fails.

`public` is FastSRB, SRBench's ground truth, Strogatz, EmpiricalBench and black-box tables: ours
has `evaluations` to spend, pyoperon and gplearn `time`, judged by the best that they offer. It and
the benchmarks `papers` and `noise` take hours in full. With `--state FILE` FastSRB, SRBench,
`noise` and `verdicts` go on where they were cut short: every run is kept there as it ends, none
that is in it is repeated, and `--laws 1/4` takes a quarter of the laws. A file serves one commit
on one machine. FastSRB needs PyYAML; tables are read from the folder that CLOSEDFORM_DATA names,
and what has none is left out.

The guard takes 3 minutes: start-up, the latency of one row through the C interface, rows a second
and memory beside the data on 10 million mapped rows, the seven rules and V1 to V8. It measures the
closedform that Python finds, which has to be the working tree's (`pip install .`; from the source
tree, without a C library beside it, latency is left out). Its searches have evaluations to spend,
not seconds, so that the work is the same from run to run.

With `--against` that commit is built first (minutes), and the two take turns for another 3 minutes.
`new/old` is the ratio of their best turns, in brackets the least and the largest of the turns' own:
above 1 is better for a speed, below 1 for time and memory. Quote it with its brackets, and where
others use the machine the ratio of processor time, which they change less. What has 1 between its
brackets is noise; what has not may be: by chance alone five turns agree once in sixteen times,
three (latency, fit, search) once in four. So run it again before you believe it, and run a commit
against itself to see how quiet the machine is. `found` misses its target where the commit finds
more. Without `--against` the ratio is to the figures below, of another occasion and perhaps another
machine: no evidence.
"""
