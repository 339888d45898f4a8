"""The parameters of a function as JSON schema, and JSON arguments checked against them.

`parameters.Parameters` reads a signature without importing pydantic; `model` builds the pydantic
model behind it when a schema or a conversion is really needed; `docstring` finds descriptions.
"""

from schedtui.schema.docstring import Docstring, parse_docstring
from schedtui.schema.parameters import Parameters

__all__ = ["Docstring", "Parameters", "parse_docstring"]
