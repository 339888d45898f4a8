"""Calls to one engine over HTTP: time limits, size limits, and errors as schedtui's own."""

from __future__ import annotations

import asyncio
import copy
import ipaddress
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from schedtui.client.actor import ACTOR_HEADER, ADDRESS_HEADER, header_of
from schedtui.client.http_codec import decode_json
from schedtui.client.http_json import dump
from schedtui.client.problems import from_problem
from schedtui.client.sse import SseEvent, SseParser
from schedtui.errors import (
    InvalidError,
    ProtocolError,
    SchedtuiError,
    UncertainError,
    UnreachableError,
    shorten,
)
from schedtui.models.actor import address_of
from schedtui.models.wire import to_wire

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 120.0  # a whole call, against an answer that drips for ever
STREAM_TIMEOUT_S = 45.0  # three keep-alives of the engine
MAX_ANSWER = 8 << 20
"""Bytes of the JSON about one thing."""

_NOT_AN_ENGINE = "is this the address of a schedtui engine?"


class Transport:
    """Connections to one engine, opened on first use."""

    def __init__(self, url: str, *, token: str | None, socket: Path | None) -> None:
        parts = _checked_url(url)
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._secure = parts.scheme == "https"
        self._local = socket is not None or is_loopback(parts.hostname or "")
        self._token = _checked_token(token)
        self._socket = socket
        self._http: httpx.AsyncClient | None = None
        self._own: dict[str, str] = {}
        self.address = str(socket) if socket is not None else self._base

    def acting_as(self, actor: str) -> Transport:
        """The same connections, for calls in another's name; heard on a Unix socket only."""
        self._open()
        other = copy.copy(self)
        address = header_of(address_of(actor))
        other._own = {ACTOR_HEADER: header_of(actor), ADDRESS_HEADER: address}  # noqa: SLF001 - of its own class
        return other

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        most: int = MAX_ANSWER,
        media: str = "application/json",
    ) -> bytes:
        """The body of a successful answer.

        Args:
            method: An HTTP method.
            path: Below the engine's address, percent-encoded.
            params: The query; parts that are None are left out.
            body: A model or JSON values to send; None sends none.
            headers: Further headers.
            most: Bytes that the answer may have.
            media: What it must be.

        Raises:
            SchedtuiError: what the engine answered, or why it could not be asked.
        """
        content = None if body is None else _encoded(body)
        extra = {"Accept": media, **self._own, **(headers or {})}
        if content is not None:
            extra["Content-Type"] = "application/json"
        with self._mapped_errors(change=method != "GET"):
            async with (
                asyncio.timeout(CALL_TIMEOUT_S),
                self._open().stream(
                    method,
                    self._base + path,
                    params=_given(params),
                    content=content,
                    headers=extra,
                ) as response,
            ):
                self._check(response, media)
                answer = await _read(response, most)
                if not response.is_success:
                    raise self._refusal(response, answer)
                return answer

    async def events(
        self, path: str, *, params: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[SseEvent]:
        """The events of a stream until the engine ends it.

        Raises:
            SchedtuiError: what the engine answered, or why the stream broke.
        """
        async with self._events(path, params) as response:
            parser = SseParser()
            chunks = response.aiter_raw()
            while True:
                with self._mapped_errors(change=False):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                for event in parser.feed(chunk):
                    yield event

    @asynccontextmanager
    async def _events(
        self, path: str, params: Mapping[str, Any] | None
    ) -> AsyncIterator[httpx.Response]:
        import httpx

        http = self._open()
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, read=STREAM_TIMEOUT_S)
        request = http.build_request(
            "GET",
            self._base + path,
            params=_given(params),
            headers={"Accept": "text/event-stream", **self._own},
            timeout=timeout,
        )
        with self._mapped_errors(change=False):
            response = await http.send(request, stream=True)
        try:
            with self._mapped_errors(change=False):
                self._check(response, "text/event-stream")
                if not response.is_success:
                    raise self._refusal(response, await _read(response, MAX_ANSWER))
            yield response
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _open(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx  # 60 ms that a console on an engine of its own does not need

            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            uds = None if self._socket is None else str(self._socket)
            self._http = httpx.AsyncClient(
                headers={
                    # A few packed kilobytes can hold gigabytes.
                    "Accept-Encoding": "identity",
                    "User-Agent": "schedtui",
                    **headers,
                },
                timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                transport=None if uds is None else httpx.AsyncHTTPTransport(uds=uds, verify=False),
                # Certificates take 20 ms to load. Those of $SSL_CERT_FILE count here as well.
                verify=httpx.create_ssl_context() if self._secure else False,
                # A proxy from the environment cannot reach this machine's own addresses.
                trust_env=not self._local,
                # A process that stands by passes on all the streams that it has.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                # A redirect to another host would carry the token there.
                follow_redirects=False,
            )
        return self._http

    def _check(self, response: httpx.Response, media: str) -> None:
        """Raise where the head says already that the body is not to be read."""
        if response.is_redirect:
            where = shorten(response.headers.get("location", "?"), 200)
            raise ProtocolError(f"{self.address} redirects to {where}: give that address instead")
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed != "identity":
            raise ProtocolError(
                f"{self.address} answered with the encoding {shorten(packed)} where none was asked "
                f"for: {_NOT_AN_ENGINE}"
            )
        kind = _kind(response)
        if response.is_success and kind != media and response.status_code != 204:
            raise ProtocolError(
                f"{self.address} answered with {shorten(kind)} where {media} was expected: "
                f"{_NOT_AN_ENGINE}"
            )

    def _refusal(self, response: httpx.Response, answer: bytes) -> SchedtuiError:
        status = response.status_code
        if _kind(response) == "application/problem+json":
            return from_problem(decode_json(answer), status=status)
        if status in {401, 403, 502, 503, 504}:
            # A proxy before the engine speaks for itself.
            return from_problem({"detail": f"{self.address} answered {status}"}, status=status)
        return ProtocolError(f"{self.address} answered {status}: {_NOT_AN_ENGINE}")

    @contextmanager
    def _mapped_errors(self, *, change: bool) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(
                f"cannot connect to {self.address}: {_reason(error)}. Check that the engine runs "
                "there (schedtui serve) and that the address is right; a retry is safe"
            ) from None
        except httpx.RemoteProtocolError as error:
            if not str(error).startswith(("peer closed", "Server disconnected")):
                raise ProtocolError(
                    f"{self.address} does not speak HTTP ({_reason(error)}): {_NOT_AN_ENGINE}"
                ) from None
            raise self._cut(error, change=change) from None
        except (httpx.TransportError, TimeoutError) as error:
            raise self._cut(error, change=change) from None
        except UnicodeEncodeError as error:
            raise InvalidError(f"{shorten(error.object)} is not text: it cannot be sent") from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise ProtocolError(f"{self.address}: {_reason(error)}") from None

    def _cut(self, error: Exception, *, change: bool) -> UnreachableError:
        reason = f"the connection to {self.address} broke: {_reason(error)}"
        if change:
            return UncertainError(
                f"{reason}. The change may or may not have been made: look before you repeat it"
            )
        return UnreachableError(f"{reason}. A retry is safe")


def is_loopback(host: str) -> bool:
    """Whether ``host`` means this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _encoded(body: Any) -> bytes:
    try:
        return dump(to_wire(body))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidError(f"this cannot be sent as JSON: {error}") from None


async def _read(response: httpx.Response, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > most:
            raise ProtocolError(f"the answer is longer than {most} bytes: {_NOT_AN_ENGINE}")
        parts.append(chunk)
    return b"".join(parts)


def _kind(response: httpx.Response) -> str:
    """The media type without its parameters."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _given(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted here ({cause.verify_message}); SSL_CERT_FILE can "
                "name a file with the authority that signed it"
            )
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    if isinstance(error, TimeoutError) or not text:
        return "no answer in time" if "Timeout" in type(error).__name__ else type(error).__name__
    return text[:200]


def _checked_url(url: str) -> SplitResult:
    expected = "a URL such as http://127.0.0.1:8787 or https://host/prefix, without user or query"
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        raise InvalidError.one("url", url, expected) from None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or not port_is_fine
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not url.isascii()
        or any(char <= " " for char in url)
    ):
        # A password in the URL is a secret, so it is not repeated.
        shown = url if "@" not in url else "a URL with a user in it"
        raise InvalidError.one("url", shown, expected)
    return parts


def _checked_token(token: str | None) -> str | None:
    if token is not None and (not token.isascii() or not token.isprintable() or " " in token):
        raise InvalidError.one("token", "(not shown)", "printable ASCII characters without spaces")
    return token
