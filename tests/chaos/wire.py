"""HTTP by hand, so that it can be broken at any byte."""

from __future__ import annotations

import email.utils
import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chaos.faults import Fault

HANG = 600.0
RESET = struct.pack("ii", 1, 0)


class Broken(Exception):
    """The connection ended before the request did."""


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}


def read(sock: socket.socket) -> Request:
    """Read one request to its end."""
    sock.settimeout(HANG)
    data = b""
    while b"\r\n\r\n" not in data:
        data += some(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += some(sock)
    method, path, _ = first.split(" ", 2)
    return Request(method, path, headers, json.loads(body) if body else {})


def some(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise Broken
    return data


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


def answer(sock: socket.socket, status: int, body: Any, **headers: str) -> None:
    """Send a whole answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(data)), "Connection": "close"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    sock.sendall(f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + data)


def fail(sock: socket.socket, fault: Fault, elsewhere: str) -> bool:
    """Do what the fault says instead of an answer; False when the answer should be given."""
    kind, _, how = fault.name.partition("-")
    match kind:
        case "reset":
            reset(sock)
        case "hang":
            sock.settimeout(HANG)
            sock.recv(1)
        case "half":
            sock.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 60\r\n\r\n{"id": "1')
        case "garbage":
            answer(sock, 200, b"<html>\x00\xff not what you wanted")
        case "not":
            sock.sendall(b"\x16\x03\x01 220 smtp.example ready\r\n")
        case "302" | "303" | "308":
            answer(sock, int(kind), {}, Location=elsewhere)
        case "429" | "503":
            when = email.utils.formatdate(time.time() + 1, usegmt=True) if how == "date" else "1"
            answer(sock, int(kind), {}, **({"Retry_After": when} if how else {}))
        case _ if kind.isdigit():
            answer(sock, int(kind), {"error": "no"})
        case _:
            return False
    return True
