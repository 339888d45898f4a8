"""Tasks that fastapi-task-manager keeps in Redis, read from there or from a dump of its hash.

Its 1.1.1 writes ``HSET {prefix}_dynamic_tasks {group}:{task} {json}`` (task_router_services.py),
and ``{prefix}_{group}_{task}_disabled`` for five days of a task that is disabled (redis_keys.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedtui.errors import UnreachableError
from schedtui_tui.exits import UsageError

SUFFIX = "_dynamic_tasks"
_DUMP = f"a JSON object of its fields, as `redis-cli -3 --json HGETALL PREFIX{SUFFIX}` prints"
HIGH = 50
"""The priority of a task with ``high_priority``, as on the ``/task-manager`` face."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hash:
    """The fields of the hash, and whose task is disabled."""

    fields: Mapping[str, Any]
    """By ``group:task``: the definition, as JSON text or already read."""
    disabled: frozenset[str] = frozenset()


def read_dump(file: Path) -> Hash:
    """The hash in a file.

    Raises:
        UsageError: it is no dump of it.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: {error}; expected {_DUMP}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file}: expected {_DUMP}")
    return Hash(fields=found)


def read_redis(url: str, prefix: str | None) -> Hash:
    """The hash in a Redis or Valkey.

    Args:
        url: ``redis://HOST:PORT/DB``.
        prefix: Its ``redis_key_prefix``; None: the only one that is there.

    Raises:
        UsageError: there is none, or more than one, or no client for it.
        UnreachableError: it does not answer.
    """
    try:
        import redis  # an extra, which nothing else needs
    except ImportError:
        raise UsageError(
            "reading from Redis needs its client: pip install 'schedtui[redis]', or give a file: "
            + _DUMP
        ) from None
    try:
        with redis.Redis.from_url(url, decode_responses=True, socket_timeout=10) as client:
            key = f"{prefix}{SUFFIX}" if prefix is not None else _only(client.scan_iter, url)
            fields: dict[str, str] = client.hgetall(key)
            if not fields:
                raise UsageError(f"{url}: there is no hash {key!r}, so there is nothing to import")
            start = key.removesuffix(SUFFIX)
            disabled = [name for name in fields if client.exists(_flag(start, name))]
    except ValueError as error:
        raise UsageError(f"{url}: {error}; expected redis://HOST:PORT/DB") from None
    except redis.ConnectionError as error:
        raise UnreachableError(f"{url}: {error}; nothing was done") from error
    except redis.RedisError as error:
        raise UsageError(f"{url}: {error}; nothing was done") from error
    return Hash(fields=fields, disabled=frozenset(disabled))


def _flag(prefix: str, field: str) -> str:
    group, _, task = field.partition(":")
    return f"{prefix}_{group}_{task}_disabled"


def _only(scan: Any, url: str) -> str:
    keys = sorted(scan(match=f"*{SUFFIX}", _type="hash"))
    if len(keys) == 1:
        return str(keys[0])
    if not keys:
        raise UsageError(f"{url}: there is no hash that ends in {SUFFIX!r}; is it the right DB?")
    prefixes = ", ".join(key.removesuffix(SUFFIX) for key in keys)
    raise UsageError(f"{url}: there are several; give one as --prefix: {prefixes}")


def job_of(field: str, value: Any, *, disabled: bool) -> tuple[str, dict[str, Any]]:
    """The name and the content of the job that a field stands for.

    Raises:
        ValueError: it says nothing that a job could be made of; the message says why.
    """
    task = json.loads(value) if isinstance(value, str) else value
    if not isinstance(task, dict):
        raise ValueError("expected a JSON object")
    group, function, cron = (
        _text(task, key) for key in ("task_group_name", "function_name", "cron_expression")
    )
    name = task.get("name") or field.partition(":")[2]
    parallel = task.get("allow_parallel")
    policies = {
        "overlap": None if parallel is None else "allow" if parallel else "skip",
        "retry_delay_s": task.get("retry_backoff"),
        "retry_max_delay_s": task.get("retry_backoff_max"),
        "priority": HIGH if task.get("high_priority") else None,
    }
    content: dict[str, Any] = {
        "function": f"{group}/{function}",
        "trigger": {"type": "cron", "expression": cron},
        "timezone": "UTC",  # which is all it knows
        "description": task.get("description") or None,
        "tags": task.get("tags") or None,
        "policies": {key: value for key, value in policies.items() if value is not None} or None,
        "kwargs": task.get("kwargs") or None,
    }
    if disabled:
        content |= {"paused": True, "pause_reason": "disabled in fastapi-task-manager"}
    return f"{group}/{name}", {key: value for key, value in content.items() if value is not None}


def _text(task: Mapping[str, Any], key: str) -> str:
    value = task.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key}: got {value!r}; expected a text")
    return value
