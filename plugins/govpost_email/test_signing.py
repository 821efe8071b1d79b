"""DKIM: what dkimpy signs, dkimpy and the standards find good; keys that cannot sign say why."""

from __future__ import annotations

import base64
import builtins
import importlib
import re
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from govpost import Unauthorized, Unavailable
from govpost_email import signing
from govpost_email.test_common import Desk, Office, mail_server

RAW, DER, PEM = forms.Encoding.Raw, forms.Encoding.DER, forms.Encoding.PEM
PKCS8, PKCS1 = forms.PrivateFormat.PKCS8, forms.PrivateFormat.TraditionalOpenSSL
OPEN = forms.NoEncryption()


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def dns(name: bytes, timeout: int = 5) -> bytes | None:
    """Answer as the DNS of riverton.example.gov would."""
    public = rsa_key().public_key().public_bytes(DER, forms.PublicFormat.SubjectPublicKeyInfo)
    other = ed_key().public_key().public_bytes(RAW, forms.PublicFormat.Raw)
    records = {
        b"old._domainkey.riverton.example.gov.": b"v=DKIM1; k=rsa; p=" + base64.b64encode(public),
        b"new._domainkey.riverton.example.gov.": b"v=DKIM1; k=ed25519; p=" + base64.b64encode(other),
    }
    return records.get(name)


def text(key, form=PKCS8, encoding=PEM) -> str:
    return key.private_bytes(encoding, form, OPEN).decode()


def sent(tmp_path, selectors: list[str], **secrets: str) -> bytes:
    desk = Desk()
    with mail_server(desk) as port:
        office = Office(folder=tmp_path, port=port, more={"dkim_selectors": selectors}, secrets=secrets)
        office.people("ana@example.gov")
        office.send_all()
    return desk.box[0].raw


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
def test_a_copy_signed_with_rsa_is_found_good(tmp_path, form):
    raw = sent(tmp_path, ["old"], dkim_old=text(rsa_key(), form))
    assert dkim.verify(raw, dnsfunc=dns)
    assert b"a=rsa-sha256" in raw
    assert not dkim.verify(raw.replace(b"Friday", b"Monday"), dnsfunc=dns)


@pytest.mark.parametrize(
    "key",
    [
        lambda: text(ed_key()),
        lambda: base64.b64encode(ed_key().private_bytes(RAW, forms.PrivateFormat.Raw, OPEN)).decode(),
    ],
)
def test_a_copy_signed_with_both_kinds_is_found_good_by_each(tmp_path, key):
    raw = sent(tmp_path, ["old", "new"], dkim_old=text(rsa_key()), dkim_new=key())
    checked = dkim.DKIM(raw)
    assert checked.verify(0, dnsfunc=dns)
    assert checked.verify(1, dnsfunc=dns)
    assert raw.count(b"DKIM-Signature:") == 2


def test_nothing_that_matters_can_be_changed_or_added_on_the_way(tmp_path):
    raw = sent(tmp_path, ["old"], dkim_old=text(rsa_key()))
    covered = re.search(rb"h=([^;]*);", re.sub(rb"\s", b"", raw))[1].decode().split(":")
    assert covered.count("list-unsubscribe") == covered.count("list-unsubscribe-post") == 2
    assert covered.count("from") == covered.count("subject") == 2
    for more in (
        b"Subject: Boil your water",
        b"From: x@evil.example",
        b"List-Unsubscribe: <https://evil.example/>",
    ):
        signature, rest = raw.split(b"\r\nDate:", 1)
        assert not dkim.verify(signature + b"\r\n" + more + b"\r\nDate:" + rest, dnsfunc=dns)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (lambda: "", "there is no key for the DKIM selector old"),
        (lambda: "not a key at all!", "no private key in PEM or base64"),
        (lambda: base64.b64encode(b"neither of them").decode(), "neither an RSA nor an Ed25519 key"),
        (lambda: base64.b64encode(b"\x30\x03\x02\x01\x00" * 8).decode(), "neither an RSA nor an Ed25519 key"),
    ],
)
def test_a_key_that_cannot_sign_stops_the_channel_and_says_why(tmp_path, key, said):
    with pytest.raises(Unauthorized, match=said) as caught:
        sent(tmp_path, ["old"], dkim_old=key())
    assert caught.value.tip


def test_a_key_that_receivers_do_not_take_any_more_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(signing, "_FEWEST_BITS", 4096)
    with pytest.raises(Unauthorized, match="has 2048 bits"):
        sent(tmp_path, ["old"], dkim_old=text(rsa_key()))


def test_without_the_library_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    found = importlib.import_module

    def missing(name: str):
        if name.startswith("dkim"):
            raise builtins.ImportError(name)
        return found(name)

    monkeypatch.setattr(signing, "import_module", missing)
    with pytest.raises(Unavailable, match="not installed") as caught:
        sent(tmp_path, ["old"], dkim_old=text(rsa_key()))
    assert caught.value.tip == "pip install 'govpost[dkim]'"
