"""A backup of a living engine, the end of its machine, and a fresh start elsewhere."""

from __future__ import annotations

import shutil
import signal

from terminal_place import Place


def test_history_comes_back_on_an_empty_folder(place: Place) -> None:
    served = place.serve("--no-listen")
    words = ("--cron", "0 9 * * mon", "--name", "weekly", "--arg", "recipient=anna@shop.example")
    place.run("create", "reports/send_report", *words)
    run = place.json("trigger", "reports/weekly", "--wait")
    place.ended("shop/tick")
    before = place.json("runs", "reports/weekly")
    log = place.json("logs", str(run["id"]))
    copy = place.folder.parent / "copy.db"

    done = place.json("backup", str(copy))
    assert (done["file"], copy.stat().st_mode & 0o777) == (str(copy), 0o600)
    assert done["runs"] >= 2
    assert "6 jobs, " in place.run("backup", str(copy), "--replace").stdout
    assert "--replace writes over" in place.run("backup", str(copy), code=4).stderr
    refused = place.run("restore", str(copy), code=4).stderr
    assert f"in use by process {served.process.pid}" in refused

    served.stop(signal.SIGKILL)
    shutil.rmtree(place.state.path)
    assert place.run("restore", str(copy)).stdout.startswith(f"{place.state.database} is restored")
    again = place.run("restore", str(copy), code=4).stderr
    assert "--replace puts it aside" in again
    kept = place.json("restore", str(copy), "--replace")["kept"]
    assert kept.startswith(f"{place.state.database}.replaced-")

    place.serve("--no-listen")
    assert place.json("runs", "reports/weekly") == before
    assert place.json("logs", str(run["id"])) == log
    assert place.json("trigger", "reports/weekly", "--wait")["state"] == "succeeded"
    place.ended("shop/tick")
