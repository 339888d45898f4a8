"""Telling people and programs what happens to jobs: by HTTP and by mail."""

from schedtui.alerts.message import body_of, subject_of, text_of
from schedtui.alerts.send import send

__all__ = ["body_of", "send", "subject_of", "text_of"]
