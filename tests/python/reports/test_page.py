"""Pages: what stands in them, that names are only names, and that a browser shows all of it."""

from __future__ import annotations

import html.parser
import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.formulas.constants import Constants

pytest.importorskip("matplotlib")
HOSTILE = "<script>document.title = 'taken'</script> $x & \"quoted\" 温度 \ud800"
COLUMNS = ["</style><b onclick='no()'>a", "$\\alpha"]
RNG = np.random.default_rng(0)
X = RNG.uniform(1.0, 2.0, (80, 2))
Y = 1.5 * X[:, 0] / X[:, 1] + 0.01 * RNG.normal(size=80)
FOUND = cf.discover(
    pd.DataFrame(X, columns=COLUMNS),
    pd.Series(Y, name=HOSTILE),
    evaluations=3000,
    operators="+ * /",
    seed=3,
)


class Elements(html.parser.HTMLParser):
    """Counts elements, and gathers the text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    FOUND.report(path)
    return path


def test_what_a_page_tells(page: Path) -> None:
    written = page.read_text(encoding="utf-8")
    found = Elements(written)
    titles = re.findall("<h2>(.*?)</h2>", written)
    assert titles == [
        "Data and fit",
        "Front",
        "Verdict",
        "Constants",
        "Errors on held-out rows",
        "Why",
        "Provenance",
    ]
    assert found.names.count("svg") >= 5  # two inputs, predictions, residuals, the front
    constant = FOUND.formula.constants[0]
    low, high = constant.interval
    for part in (
        FOUND.formula.readable,
        FOUND.formula.latex(),
        str(FOUND.verdict),
        f"{constant.standard_error:.3g}",
        f"{low:.6g} to {high:.6g}",
        "68 searched, 12 held out",
        f"closedform {cf.__version__}",
        FOUND.provenance.begun.isoformat(sep=" ", timespec="seconds"),
    ):
        assert part in found.text
    assert re.search("<td[^>]*>seed</td><td[^>]*>3</td>", written)
    marked = re.findall(r'<tr class="chosen"[^>]*>(.*?)</tr>', written)
    assert any(FOUND.formula.readable in row for row in marked)


def test_names_are_only_names(page: Path) -> None:
    written = page.read_bytes().decode("utf-8")
    found = Elements(written)
    assert not {"script", "b", "link", "img", "iframe"} & set(found.names)
    assert "onclick" not in found.attributes
    assert HOSTILE.replace("\ud800", "") in found.text.replace("\ufffd", "")
    assert COLUMNS[0] in found.text
    assert not re.search(
        r"""(src|href|url)\s*[=(]\s*["']?(?!#|"#)(https?:)?//(?!www\.w3)""", written
    )


def test_a_formula_is_the_same_in_mathml_latex_and_text() -> None:
    formula = cf.Formula(f"{math.pi / 8!r}*x**1.5 - 2.3456789/x", ["x"])
    formula.constants = Constants(
        [c.value for c in formula.constants], np.diag([1e-4, 1e-4]), [True, False]
    )
    assert formula.readable == "(pi/8)*x**1.5 - 2.346/x"
    assert formula.latex() == r"\frac{\pi x^{1.5}}{8} - \frac{2.346}{x}"
    mathml = re.sub("</?mrow>|<mo>&InvisibleTimes;</mo>", "", formula.mathml())
    power = "<msup><mi>x</mi><mn>1.5</mn></msup>"
    assert mathml == (
        f"<mfrac><mi>&pi;</mi>{power}<mn>8</mn></mfrac><mo>-</mo>"
        "<mfrac><mn>2.346</mn><mi>x</mi></mfrac>"
    )


def test_a_formula_that_sympy_has_no_form_of_has_a_page_none_the_less(tmp_path: Path) -> None:
    names = FOUND.formula.names
    odd = cf.Formula(f"max(sqrt(-1), {names[0]})", names)
    replace(FOUND, formula=odd, front=cf.Front([odd])).report(tmp_path / "page.html")
    assert "<math" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_pages_need_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("closedform.figures.canvas.available", lambda: False)
    with pytest.raises(InputError, match="report: needs matplotlib"):
        FOUND.report(tmp_path / "page.html")


LOOKED_AT = """<script>
const box = (e) => e.getBoundingClientRect();
const text = (e) => e.querySelector("text") === null || box(e.querySelector("text")).height > 5;
window.addEventListener("load", () => {
  const told = {
    title: document.title,
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    math: [...document.querySelectorAll("math")].map((e) => box(e).height),
    pictures: [...document.querySelectorAll("svg")].map((e) => text(e) && box(e).height),
    chosen: getComputedStyle(document.querySelector("tr.chosen")).backgroundColor,
  };
  document.body.innerHTML = "<pre id=told></pre>";
  document.getElementById("told").textContent = "TOLD" + JSON.stringify(told) + "TOLD";
});
</script></body>"""


@pytest.mark.parametrize("width", [1200, 500])  # the narrowest that a window of Chromium can be
def test_a_browser_shows_all_of_it(page: Path, tmp_path: Path, width: int) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("neither chromium nor google-chrome is installed")
    looked_at = tmp_path / "looked_at.html"
    looked_at.write_text(
        page.read_text(encoding="utf-8").replace("</body>", LOOKED_AT), encoding="utf-8"
    )
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    done = subprocess.run(
        [browser, *flags, f"--window-size={width},900", "--dump-dom", looked_at.as_uri()],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    told: dict[str, Any] = json.loads(
        re.sub("&lt;", "<", done.stdout.split("TOLD")[1]).replace("&gt;", ">").replace("&amp;", "&")
    )
    assert told["title"].startswith("A formula for <script>")
    assert told["overflow"] <= 0
    assert len(told["math"]) == 1
    assert min(told["math"]) > 20
    assert min(told["pictures"]) > 100
    assert told["chosen"] != "rgba(0, 0, 0, 0)"
