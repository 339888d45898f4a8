"""A plain script that runs some chores and comes to its end without a word about it."""

from __future__ import annotations

import time

from schedtui import Engine, Group, log

chores = Group("Chores")


@chores.function()
def water(seconds: float) -> str:
    """Water the plants, slowly."""
    log("watering")
    time.sleep(seconds)
    return "watered"


if __name__ == "__main__":
    engine = Engine(groups=[chores], store="sqlite:///shop.db").run_in_thread()
    run = engine.sync.run_function("Chores/water", {"seconds": 1})
    print("started", run.id)
