"""The conformance suite, one module a part of the contract; `PlatformContract` puts them together."""
