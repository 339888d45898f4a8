"""Jobs as code from the command line: export, edit, plan, apply, the console, rollback."""

from __future__ import annotations

from files_kit import edited
from terminal_place import Place


def test_a_whole_round(place: Place) -> None:
    place.serve("--no-listen")
    place.run(
        *("create", "reports/send_report", "--cron", "0 9 * * mon", "--name", "weekly"),
        *("--args", '{"recipient": "anna@shop.example", "report_type": "weekly"}'),
        *("--tag", "mail", "--retry-delay", "30s", "--owner", "Ann", "--runbook", "call Ann"),
    )
    place.run("pause", "shop/cleanup", "--reason", "disk full")
    file = place.folder / "jobs.toml"
    place.run("export", "jobs.toml")
    before = file.read_bytes()

    text = edited(file.read_text(), ("0 9 * * mon", "30 9 * * mon"), ("call Ann", "call Bob"))
    file.write_text(edited(text, ("disk full", "disk fuller")))
    plan = place.run("plan", "jobs.toml", "--check", code=1).stdout
    assert plan.splitlines()[:-1] == [
        "~ reports/weekly  (changed)",
        '    cron     "0 9 * * mon" -> "30 9 * * mon"',
        '    runbook  "call Ann" -> "call Bob"',
        "~ shop/cleanup  (changed, in code)",
        '    pause_reason  "disk full" -> "disk fuller"',
    ]
    done = place.run("apply", "jobs.toml", "--note", "later on Mondays", "--yes")
    assert done.stdout == "revision 2: 2 changed\n"
    console = place.console(columns=100)
    console.wait("rev 2")
    console.send("q")
    place.run("rollback", "1", "--yes")
    assert place.run("export").stdout.encode() == before
