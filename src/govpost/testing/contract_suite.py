"""The conformance suite: what every platform has to keep, as one class to inherit.

    class TestMine(PlatformContract):
        platform = Mine()

It needs nothing but this package: `govpost.testing.check` runs it without pytest.
"""

from __future__ import annotations

from govpost.testing.parts.accounts import Accounts
from govpost.testing.parts.addressing import Addressing
from govpost.testing.parts.changing import Changing
from govpost.testing.parts.confirming import Confirming
from govpost.testing.parts.failing import Failing
from govpost.testing.parts.identity import Identity
from govpost.testing.parts.logins import Logins
from govpost.testing.parts.measuring import Measuring
from govpost.testing.parts.posting import Posting
from govpost.testing.parts.replying import Replying
from govpost.testing.parts.staging import Staging
from govpost.testing.parts.timing import Timing

PARTS = (
    Identity,
    Posting,
    Failing,
    Timing,
    Staging,
    Confirming,
    Changing,
    Addressing,
    Measuring,
    Replying,
    Accounts,
    Logins,
)


class PlatformContract(
    Identity,
    Posting,
    Failing,
    Timing,
    Staging,
    Confirming,
    Changing,
    Addressing,
    Measuring,
    Replying,
    Accounts,
    Logins,
):
    """Inherit this and set ``platform``; override `answer` when the platform makes different requests.

    ``live`` aims the same tests at a real server: an `Example` with its address and secrets.
    """
