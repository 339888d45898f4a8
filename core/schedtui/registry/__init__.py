"""Groups, the functions and jobs declared in them, and the registry that finds them by name."""

from schedtui.registry.declaration import Declaration, json_arguments
from schedtui.registry.function import Function
from schedtui.registry.group import Group
from schedtui.registry.registry import Registry

__all__ = ["Declaration", "Function", "Group", "Registry", "json_arguments"]
