"""What a platform said is not lost: the store is asked to take it until it does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, MutableMapping

from govpost.errors import StoreUnavailable
from govpost.store.engine import Store, Tx

ACTOR = "daemon"
_WAITS = (0.1, 0.3, 1.0, 2.0)

log = logging.getLogger("govpost.publisher")


def insist(
    store: Store,
    delivery: str,
    said: str,
    work: Callable[[Tx], None],
    *,
    unrecorded: MutableMapping[str, str],
    abandon: threading.Event,
) -> None:
    """Do `work` in a transaction until the store has taken it; meanwhile `unrecorded` holds what was `said`.

    What cannot be recorded, because `abandon` is set or by a fault of our own, goes to the log in full.
    """
    tries = 0

    def done() -> None:
        if unrecorded.get(delivery) == said:  # another try at the same delivery may wait for its own
            unrecorded.pop(delivery, None)

    while True:
        try:
            with store.write(ACTOR, shared=True) as tx:
                work(tx)
        except StoreUnavailable as error:
            if not tries:
                log.error("delivery %s is not recorded yet: %s: %s", delivery, said, error.message)
            unrecorded.setdefault(delivery, said)
        except Exception:
            done()
            log.critical("delivery %s is NOT RECORDED: %s", delivery, said)
            raise
        else:
            done()
            return
        if abandon.wait(_WAITS[min(tries, len(_WAITS) - 1)]):
            log.critical("delivery %s is NOT RECORDED: %s", delivery, said)
            return
        tries += 1
