"""What Django's server, and any server of WSGI, imports: the engine starts with what serves."""

from __future__ import annotations

from importlib import import_module

from django.core.wsgi import get_wsgi_application

import_module("kiosk").engine.run_in_thread(stand_by=True)
application = get_wsgi_application()
