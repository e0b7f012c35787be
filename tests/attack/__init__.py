"""Random attacks on everything public: each is one call, and its outcome is judged.

`python -m tests.attack --count 10000 --seed 1` prints how many went well, were refused in one line,
or are faults: a crash, a hang, a traceback, a wrong answer.
"""
