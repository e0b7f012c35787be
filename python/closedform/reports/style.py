"""How pages look."""

from typing import Any

STYLE = """
:root { --ink: #1c2733; --soft: #5b6b7b; --line: #dfe5ec; --accent: #1f6fb2; --paper: #fff;
        color-scheme: light }
* { box-sizing: border-box }
body { margin: 0; background: #f4f6f9; color: var(--ink); font: 16px/1.55 system-ui,
       -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
h1 { font-size: 1rem; font-weight: 600; color: var(--soft); margin: .2rem 0 1rem }
h2 { font-size: 1.05rem; margin: 0 0 .8rem }
section, header { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
                  padding: 1.2rem 1.4rem; margin: 0 0 1rem }
header { border-top: 4px solid var(--accent) }
p { margin: .3rem 0; overflow-wrap: anywhere }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math",
                    "DejaVu Math TeX Gyre", math;
       font-size: clamp(1rem, 4.5vw, 1.7rem); margin: 1.2rem 0; max-width: 100%;
       overflow-x: auto; overflow-y: hidden }
math.long { font-size: clamp(.9rem, 3.5vw, 1.1rem) }
code { font: .92rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere;
       white-space: pre-wrap }
dl { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; margin: 1rem 0 0; padding: 1rem 0 0;
     border-top: 1px solid var(--line) }
dt { font-size: .82rem; color: var(--soft) }
dd { margin: 0; font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere }
details { margin: .5rem 0; color: var(--soft) }
summary { cursor: pointer }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .94rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .3rem 1.4rem .3rem .5rem; border-bottom: 1px solid var(--line);
         vertical-align: top; white-space: nowrap }
td:last-child { white-space: normal; overflow-wrap: anywhere; min-width: 9rem }
th { color: var(--soft); font-weight: 600; font-size: .85rem }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr));
            gap: 1rem; margin: 0 0 .8rem }
figure { margin: 0 auto; width: 100%; max-width: 27rem }
svg { display: block; width: 100%; height: auto }
svg text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif !important }
@media print { body { background: none } section, header { break-inside: avoid } }
"""

# Of matplotlib: text stays text, no date, the same names in every run.
PICTURE: dict[Any, Any] = {
    "svg.hashsalt": "closedform",
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa7b4",
    "axes.labelcolor": "#1c2733",
    "xtick.color": "#5b6b7b",
    "ytick.color": "#5b6b7b",
    "legend.frameon": False,
}
