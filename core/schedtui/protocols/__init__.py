"""What the layers promise each other: the store, the executors, and the client of an engine."""

from schedtui.protocols.client import EngineClient
from schedtui.protocols.keeping import KEPT_ANYWAY, Keep, Notice, Posted, Removal
from schedtui.protocols.offloop import OffLoop
from schedtui.protocols.rows import (
    KEPT_SUCCESSES,
    Boot,
    CallKey,
    Claim,
    DueRow,
    DueRows,
    EnginePause,
    Failing,
    Finish,
    LogChunk,
    NewRun,
    Opened,
    OpenRun,
    PastBoot,
    RecentRun,
    Retry,
    Settled,
    Start,
    Success,
    Token,
    Tombstone,
)
from schedtui.protocols.running import Call, Ended, Executor, Origin
from schedtui.protocols.store import ENGINE, Store
from schedtui.protocols.store_tx import StoreTx

__all__ = [
    "ENGINE",
    "KEPT_ANYWAY",
    "KEPT_SUCCESSES",
    "Boot",
    "Call",
    "CallKey",
    "Claim",
    "DueRow",
    "DueRows",
    "Ended",
    "EngineClient",
    "EnginePause",
    "Executor",
    "Failing",
    "Finish",
    "Keep",
    "LogChunk",
    "NewRun",
    "Notice",
    "OffLoop",
    "OpenRun",
    "Opened",
    "Origin",
    "PastBoot",
    "Posted",
    "RecentRun",
    "Removal",
    "Retry",
    "Settled",
    "Start",
    "Store",
    "StoreTx",
    "Success",
    "Token",
    "Tombstone",
]
