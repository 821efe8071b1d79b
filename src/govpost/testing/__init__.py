"""What plugin authors inherit: the conformance suite, a fake platform and a fake wire."""

from govpost.testing.contract_suite import PlatformContract
from govpost.testing.fakes import Fake, FakePlatform, FakeWire
from govpost.testing.runner import Result, check
from govpost.testing.sides import Network

__all__ = ["Fake", "FakePlatform", "FakeWire", "Network", "PlatformContract", "Result", "check"]
