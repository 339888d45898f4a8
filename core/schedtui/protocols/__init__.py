"""What the layers promise each other: the store, the executors, and the client of an engine."""

from schedtui.protocols.client import EngineClient
from schedtui.protocols.rows import (
    Boot,
    Claim,
    EnginePause,
    Finish,
    LogChunk,
    NewRun,
    Opened,
    OpenRun,
    RecentRun,
    Retry,
    Settled,
    Start,
    Token,
)
from schedtui.protocols.running import Call, Ended, Executor
from schedtui.protocols.store import Store, StoreTx

__all__ = [
    "Boot",
    "Call",
    "Claim",
    "Ended",
    "EngineClient",
    "EnginePause",
    "Executor",
    "Finish",
    "LogChunk",
    "NewRun",
    "OpenRun",
    "Opened",
    "RecentRun",
    "Retry",
    "Settled",
    "Start",
    "Store",
    "StoreTx",
    "Token",
]
