"""A call of the face: its errors in the form of its own, ``{"detail": …}``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, get_type_hints

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.problems import FACE, ProblemError, response_for
from schedtui.api.router import Router
from schedtui.errors import SchedtuiError


class FaceRoute(APIRoute):
    """A route whose errors are told as FastAPI tells them, whatever the application does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that FastAPI makes, with its errors answered."""
        handle = super().get_route_handler()
        direct = _direct(self.endpoint)

        async def answer(request: Request) -> Response:
            try:
                # Now, or FastAPI would hide what is wrong with it behind a 400.
                body = await request.body()
                if direct is not None:
                    done = direct(request, body)
                    if done is not None:
                        return await done
                return await handle(request)
            except RequestValidationError as error:
                return refusal(422, jsonable_encoder(error.errors()))
            except HTTPException as error:
                return refusal(error.status_code, error.detail, error.headers)
            except (ProblemError, SchedtuiError) as error:
                return response_for(error, request.scope)

        return answer


def _direct(
    endpoint: Callable[..., Coroutine[Any, Any, Response]],
) -> Callable[[Request, bytes], Coroutine[Any, Any, Response] | None] | None:
    """The short way to an endpoint that takes a request and its body, and nothing else.

    FastAPI's way takes several times as long as the rest of such a call. It is taken where anything
    is unusual, and to say what is wrong.
    """
    names = list(inspect.signature(endpoint).parameters)
    kinds = get_type_hints(endpoint)
    if len(names) != 2 or kinds[names[0]] is not Request:
        return None
    model = kinds[names[1]]
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None

    def direct(request: Request, body: bytes) -> Coroutine[Any, Any, Response] | None:
        if request.headers.get("content-type") != "application/json":
            return None
        try:
            value = model.model_validate(json.loads(body))
        except (ValueError, RecursionError):
            return None
        return endpoint(request, value)

    return direct


router = Router(prefix=FACE, tags=["task-manager"], route_class=FaceRoute)
"""What the modules of this package add their calls to."""


def refusal(status: int, detail: Any, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the form of the face."""
    return json_answer({"detail": detail}, status=status, headers=headers)


def invalid(loc: tuple[str | int, ...], message: str, got: Any) -> RequestValidationError:
    """What is wrong with one part of a request, in FastAPI's form of it."""
    return RequestValidationError(
        [{"type": "value_error", "loc": loc, "msg": f"Value error, {message}", "input": got}]
    )
