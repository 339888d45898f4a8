"""A claim of which the store refused something: its rows one by one."""

from __future__ import annotations

import logging

from schedtui.engine.tick.newruns import plain_row
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.protocols import Claim, NewRun, StoreTx

logger = logging.getLogger("schedtui.tick")


class Singly:
    """Writes a claim so that a row that is refused costs no other.

    Args:
        claim: As it was refused.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self.written = claim._replace(runs=())
        """What `write` wrote of it."""

    def write(self, tx: StoreTx) -> set[int]:
        """Claim, each row as it is, else plainer, else not at all.

        Returns:
            The id of the job where the claim is lost, as `StoreTx.claim`.

        Raises:
            StoreDataError: the job itself cannot be moved; nothing was written.
            StoreUnavailableError: the store cannot take it now.
        """
        claim = self._claim
        # The job stays where it is until the rows have told how many of them run.
        lost = tx.claim([claim._replace(runs=(), next_due_us=claim.due_us)])
        if lost:
            return lost
        kept = tuple(one for row in claim.runs if (one := _inserted(tx, row)) is not None)
        fired = claim.fired - _begun(claim.runs) + _begun(kept)
        moved = claim._replace(runs=(), fired=fired)
        lost = tx.claim([moved])
        self.written = moved._replace(runs=kept)
        return lost


def _begun(rows: tuple[NewRun, ...]) -> int:
    return sum(row.finished_at_us is None for row in rows)


def _inserted(tx: StoreTx, row: NewRun) -> NewRun | None:
    """The row that the store took, if any."""
    error = _refusal(tx, row)
    if error is None:
        return row
    plain = plain_row(row, error)
    if plain != row:
        error = _refusal(tx, plain)
        if error is None:
            return plain
    logger.error("the row of %s is left out: %s", row.scheduled_for_us, error)
    return None


def _refusal(tx: StoreTx, row: NewRun) -> StoreDataError | None:
    try:
        tx.insert_runs([row])
    except StoreDataError as error:
        return error
    except SchedtuiError:
        raise
    except Exception as error:  # what the writer makes of it, too
        logger.exception("a row failed unexpectedly")
        return StoreDataError(f"{type(error).__name__}: {error}")
    return None
