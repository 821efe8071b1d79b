"""What plugin authors inherit: the conformance suite, a fake platform and a fake wire."""

from govpost.testing.contract_suite import PlatformContract
from govpost.testing.fakes import Fake, FakePlatform, FakeWire
from govpost.testing.runner import Result, check

__all__ = ["Fake", "FakePlatform", "FakeWire", "PlatformContract", "Result", "check"]
