"""What ``--help`` shows of each command: lines that can be typed as they are."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": ("schedtui demo",),
    "init": ("schedtui init", "schedtui init reports"),
    "serve": (
        "schedtui serve jobs.py",
        "schedtui serve --listen 127.0.0.1:9000 --paused",
        "schedtui serve --listen 0.0.0.0:8787 --certfile tls.crt --keyfile tls.key",
    ),
    "jobs": (
        "schedtui jobs --state failed",
        "schedtui jobs Reports/daily",
        "schedtui jobs --json --connect prod",
    ),
    "runs": (
        "schedtui runs --state failed --limit 20",
        "schedtui runs Reports/daily --json",
        "schedtui runs --diff 17 18",
    ),
    "stats": (
        "schedtui stats --since 7d",
        "schedtui stats --by function --group Reports",
        "schedtui stats --job Reports/daily --json",
    ),
    "logs": ("schedtui logs Reports/daily --follow", "schedtui logs 17 --lines 50"),
    "functions": ("schedtui functions --group Reports",),
    "next": ("schedtui next Reports/daily --count 10",),
    "explain": (
        "schedtui explain Reports/daily",
        'schedtui explain Reports/daily "yesterday 9:00"',
    ),
    "trigger": (
        "schedtui trigger Reports/daily --wait",
        "schedtui trigger Reports/daily --arg pages=3 --key order-17",
        "schedtui trigger --tag nightly",
    ),
    "backfill": (
        "schedtui backfill Reports/daily --from 2026-12-01 --to 2026-12-08 --dry-run",
        "schedtui backfill Reports/daily --cancel",
    ),
    "run": ("schedtui run Reports/send_report --arg recipient=anna@example.com --wait",),
    "create": (
        'schedtui create Reports/send_report --cron "0 9 * * mon-fri" --arg recipient=ann',
        "schedtui create Reports/send_report --every 5m --name often --timeout 30s --retries 3",
        "schedtui create Reports/send_report --after Reports/export",
    ),
    "edit": (
        'schedtui edit Reports/daily --cron "30 9 * * *" --timezone Europe/Berlin',
        "schedtui edit Reports/daily --timeout 5m --inherit retries --arg pages=5",
        "schedtui edit Reports/daily --owner ann@example.com --version 7",
    ),
    "pause": (
        'schedtui pause Reports/daily --reason "holidays" --until "tomorrow 7:30"',
        "schedtui pause --group Reports",
        "schedtui pause --engine",
    ),
    "resume": ("schedtui resume Reports/daily", "schedtui resume --engine"),
    "revert": ("schedtui revert Reports/daily",),
    "reload": ("schedtui reload",),
    "cancel": ('schedtui cancel 17 --reason "wrong day"', "schedtui cancel 17 --force"),
    "rerun": ("schedtui rerun 17 --wait",),
    "dead": (
        "schedtui dead list --since 24h",
        "schedtui dead replay 17 18",
        "schedtui dead replay --since 6h --error ConnectionError --dry-run",
        'schedtui dead dismiss --job Reports/daily --note "the mail server was down"',
    ),
    "delete": ("schedtui delete Reports/daily", "schedtui delete --tag old"),
    "export": ("schedtui export jobs.toml", "schedtui export --revision 3"),
    "plan": (
        "schedtui plan jobs.toml",
        "schedtui plan jobs.toml --check",
        "schedtui plan --revision 3",
    ),
    "apply": ('schedtui apply jobs.toml --note "later on Mondays"',),
    "rollback": ("schedtui rollback 3 --yes",),
    "revisions": ("schedtui revisions",),
    "import": (
        "schedtui import crontab /etc/crontab --system --function ops/shell --dry-run",
        "schedtui import crontab - --function ops/shell --timezone Europe/Berlin",
        "schedtui import task-manager redis://127.0.0.1:6379/0 --skip",
        "schedtui import apscheduler theirs.toml --map app.mails/send=Mails/send",
    ),
    "backup": ("schedtui backup /backup/jobs.db", "schedtui backup jobs.db --replace"),
    "restore": ("schedtui restore /backup/jobs.db", "schedtui restore jobs.db --replace"),
    "context": (
        "schedtui context add prod https://jobs.example.com --token-file ~/.prod-token",
        "schedtui context use prod",
        "schedtui context use --none",
    ),
    "completion": (
        'eval "$(schedtui completion bash)"',
        "schedtui completion zsh > ~/.zfunc/_schedtui",
        "schedtui completion fish > ~/.config/fish/completions/schedtui.fish",
    ),
    "doctor": ("schedtui doctor", "schedtui doctor jobs.py --json"),
    "token": (
        "schedtui token create --name laptop --role operator --expires 90d",
        "schedtui token list",
        "schedtui token revoke laptop",
    ),
}
"""By the command's word."""


def epilog(word: str) -> str | None:
    """What stands below the options of a command."""
    lines = "\n".join(f"  {line}" for line in EXAMPLES.get(word, ()))
    return f"examples:\n{lines}" if lines else None
