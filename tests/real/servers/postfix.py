"""E-mail: Postfix as Debian ships it, which queues, delivers to a Maildir and sends bounces; it needs root."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from real.servers.mail import Submission
from real.servers.process import CACHE, Server, Unavailable, free_port, needed

DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
myhostname = mail.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtputf8_enable = yes
message_size_limit = {size}
virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}/boxes
virtual_mailbox_maps = regexp:{folder}/boxes.regexp
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
virtual_minimum_uid = 1
local_transport = error:5.1.1 there are no local users
default_transport = nowhere
smtpd_tls_chain_files = {folder}/server.key, {folder}/server.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = example.com
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""

MASTER = """\
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
showq unix n - n - - showq
nowhere unix - n n - - pipe user=nobody argv=/bin/sh -c {{exit 67}}
"""

SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb2
mech_list: PLAIN LOGIN
"""


class Postfix(Submission, Server):
    """A submission server for example.com on `port` (STARTTLS, AUTH). `unknown…` is no address there, all others are.

    Mail to other domains bounces to its sender, whose box is the same as everybody's: `boxes`, a Maildir.
    """

    name = "postfix"
    patience = 30
    size = 1_000_000

    def prepare(self) -> None:
        if os.getuid() != 0:
            raise Unavailable("Postfix starts as root only")
        if not (DAEMONS / "master").exists() or shutil.which("saslpasswd2") is None:
            raise Unavailable(
                "Postfix is missing: on Debian apt-get install postfix sasl2-bin libsasl2-modules"
            )
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self.url = f"smtp://{self.host}:{self.port}"
        self.home = Path(tempfile.mkdtemp(prefix="govpost-postfix-"))
        self.home.chmod(0o755)
        self.boxes = self.home / "boxes" / "all"
        self.ca_file = self.home / "client.pem"
        self._write()

    def _write(self) -> None:
        for name in ("queue", "data", "boxes", "sasl"):
            (self.home / name).mkdir()
        for name in ("data", "boxes"):
            shutil.chown(self.home / name, "postfix", "postfix")
        user = pwd.getpwnam("postfix").pw_uid
        facts = {"folder": self.home, "size": self.size, "user": user, "port": self.port}
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER), ("sasl/smtpd.conf", SASL)):
            (self.home / name).write_text(text.format(**facts))
        (self.home / "boxes.regexp").write_text("if !/^unknown/\n/@example\\.com$/ all/\nendif\n")
        python = needed(CACHE / "servers" / "bin" / "python")
        _run(python, "-m", "trustme", "-q", "-d", self.home, "-i", "localhost", "127.0.0.1")
        who = ["-u", "example.com", self.user]
        _run("saslpasswd2", "-p", "-c", "-f", self.home / "sasldb2", *who, given=self.password)
        shutil.chown(self.home / "sasldb2", "postfix", "postfix")
        _run("postfix", "-c", self.home, "check")

    def command(self) -> Sequence[str | Path]:
        """Start the master itself: Postfix's own script would put it into a process group that is not ours to end."""
        return [DAEMONS / "master", "-c", self.home, "-d"]

    def raw_mails(self) -> list[bytes]:
        """Return what was delivered, in any order, bounces among it."""
        return [path.read_bytes() for path in (self.boxes / "new").glob("*")]

    def __exit__(self, *problem: Any) -> None:
        super().__exit__(*problem)
        shutil.rmtree(self.home)


def _run(*words: str | Path, given: str = "") -> None:
    subprocess.run(
        [str(word) for word in words], input=given.encode(), check=True, capture_output=True, timeout=60
    )
