"""Clients of an engine: `LocalClient` in its process, `HttpClient` behind its port or socket.

Imported by their modules, so that asking for one does not load the other.
"""
