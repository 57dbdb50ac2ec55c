"""Opens a page as a reader's browser would: Chromium where there is one, else Node and a small DOM.

A script of the test is set into the page, by its digest in the page's own policy; what it returns
and every error of the page's scripts come back.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), None)
NODE = shutil.which("node")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--virtual-time-budget=2000", "--window-size=1280,1200", "--dump-dom",
)  # fmt: skip

COLLECTOR = """
window.testErrors = [];
addEventListener("error", (event) => testErrors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => testErrors.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => testErrors.push(event.violatedDirective));
"""

DRIVER = """
setTimeout(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  let result = null;
  try { result = (() => { %s })(); } catch (error) { testErrors.push(String(error)); }
  const answer = document.createElement("pre");
  answer.id = "test-answer";
  answer.textContent = JSON.stringify({ errors: testErrors, result });
  document.body.append(answer);
}, 200);
"""

VOID = {"meta", "input", "link", "br", "img"}


@dataclass(frozen=True)
class Opened:
    """What a page came to: errors of its scripts, and what the test's own script returned."""

    errors: list[str]
    result: Any


def opened(page: bytes, script: str) -> Opened:
    """Open a page and run a script in it.

    Arguments:
        page: as `reports.save` writes it.
        script: the body of a function; `all(selector)` and `one(selector)` find elements.
    """
    driver = DRIVER % script
    if CHROMIUM:
        answer = _by_chromium(page.decode(), driver)
    elif NODE:
        answer = _by_node(page.decode(), driver)
    else:
        pytest.skip("neither Chromium nor Node is installed, so no script of a page can run")
    return Opened(answer["errors"], answer["result"])


def _by_chromium(page: str, driver: str) -> dict[str, Any]:
    digests = " ".join(_digest(code) for code in (COLLECTOR, driver))
    page = page.replace("script-src ", f"script-src {digests} ", 1)
    page = page.replace("<body>", f"<body><script>{COLLECTOR}</script>", 1)
    before, after = page.rsplit("</body>", 1)
    page = f"{before}<script>{driver}</script></body>{after}"
    # A browser that starts beside others may lose its first attempt to them.
    for _ in range(2):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "page.html"
            file.write_text(page, encoding="utf-8", errors="replace")
            command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder}/profile", file.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        found = re.search(r'<pre id="test-answer">(.*?)</pre>', done.stdout, re.DOTALL)
        if found is not None:
            break
    assert found is not None, done.stderr[-2_000:]
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0")
    answer: dict[str, Any] = json.loads(text.replace("&amp;", "&"))
    return answer


def _by_node(page: str, driver: str) -> dict[str, Any]:
    tree = Tree()
    tree.feed(page)
    dom = (Path(__file__).parent / "small_dom.js").read_text(encoding="utf-8")
    # plotly needs a whole browser: a chart that it would draw counts as drawn.
    own = tree.scripts[-1] if tree.scripts else ""
    code = f"{dom}\nconst page = {json.dumps(tree.root)};\n"
    code += f"const code = {json.dumps([COLLECTOR, own, driver])};\nrun(page, code);\n"
    done = subprocess.run(
        [str(NODE), "-"], input=code, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _digest(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


class Tree(HTMLParser):
    """A page's elements as nested lists [tag, attributes, children], and its scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root: list[Any] = ["html", {}, []]
        self.scripts: list[str] = []
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: list[Any] = [tag, {name: value or "" for name, value in attrs}, []]
        self._open[-1][2].append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        places = [place for place, one in enumerate(self._open) if place and one[0] == tag]
        if places:
            del self._open[places[-1] :]

    def handle_data(self, data: str) -> None:
        tag, attributes, children = self._open[-1]
        if tag == "script" and "type" not in attributes:
            self.scripts.append(data)
        else:
            children.append(data)
