"""A kiosk: a Django project in one file, its settings, its pages and its jobs.

``python kiosk.py runserver`` beside this file and ``kiosk_wsgi.py``.
"""

from __future__ import annotations

import os
import sys
import time

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from schedtui import Engine, Every, Group, current_run

kiosk = Group("Kiosk")


@kiosk.job(every=1, catch_up="all")
def sweep() -> None:
    """Leave a line in the ledger, in one write: what, when, and where."""
    run = current_run()
    due = "-" if run.scheduled_for is None else int(run.scheduled_for.timestamp())
    line = f"sweep {run.id} {run.attempt} {due} {os.getpid()} {time.time()}\n"
    fd = os.open("ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, line.encode())
    os.close(fd)


@kiosk.function()
def restock(papers: int) -> int:
    """Put out the papers."""
    return papers


engine = Engine(groups=[kiosk], store="sqlite:///shop.db")


def page(request: HttpRequest) -> JsonResponse:
    """The kiosk's own page."""
    del request
    return JsonResponse({"pid": os.getpid(), "stands_by": engine.stands_by})


def papers(request: HttpRequest, number: int) -> JsonResponse:
    """Steer the engine from a view."""
    del request
    job = engine.sync.create_job(
        function="Kiosk/restock",
        trigger=Every(3600),
        kwargs={"papers": number},
        name=f"papers-{number}",
        replace=True,
        actor="kiosk",
    )
    return JsonResponse({"pid": os.getpid(), "job": job.name})


urlpatterns = [path("", page), path("papers/<int:number>", papers)]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF="kiosk",
        WSGI_APPLICATION="kiosk_wsgi.application",
        SECRET_KEY="for the tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        DEBUG=True,
    )
    django.setup()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    sys.modules["kiosk"] = sys.modules["__main__"]  # one engine, whichever name it is imported by
    execute_from_command_line(sys.argv)
