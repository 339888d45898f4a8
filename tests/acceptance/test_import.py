"""A crontab on the function that core/README.md gives for it."""

from __future__ import annotations

import re
from pathlib import Path

from terminal_place import Place

README = Path(__file__).parents[2] / "core" / "README.md"
PART = re.compile(r"^### From a crontab.*?^```python$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CRONTAB = r"""
SHELL=/bin/bash
GREETING="good morning"
# says it
0 9 * * mon-fri [[ -n $GREETING ]] && echo "$GREETING" $(cat)%you%all
@daily exit 3
"""


def test_lines_of_a_crontab_run_as_with_cron(empty: Place) -> None:
    found = PART.search(README.read_text(encoding="utf-8"))
    assert found is not None
    (empty.folder / "jobs.py").write_text(found[1], encoding="utf-8")
    (empty.folder / "cron").write_text(CRONTAB, encoding="utf-8")
    empty.serve("--no-listen")
    words = ("import", "crontab", "cron", "--function", "ops/shell")
    assert "2 added; nothing was done" in empty.run(*words, "--dry-run").stdout
    assert empty.run(*words).stdout == "revision 2: 2 added\n"
    *_, line, outcome = empty.run("trigger", "ops/echo", "--wait").stdout.splitlines()
    assert line.endswith(" good morning you all")
    assert ": succeeded in " in outcome
    failed = empty.run("trigger", "ops/exit", "--wait", code=1).stdout
    assert "non-zero exit status 3" in failed
