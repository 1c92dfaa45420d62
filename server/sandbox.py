"""Takes away from a reader process what a query never needs: network, new programs, endless memory, a long life.

Layers, each of which works without privileges and says so when it cannot: a seccomp filter (no sockets, no other
programs, no tracing), a network namespace of its own, resource limits, a low priority, and death with the parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CLONE_THREAD = 0x00010000

# Classic BPF (linux/filter.h) and seccomp return values (linux/seccomp.h).
_LOAD, _EQUAL, _AT_LEAST, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000

_DENIED = (
    "socket socketpair connect bind listen accept accept4 execve execveat ptrace process_vm_readv "
    "process_vm_writev io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd keyctl "
    "add_key request_key mount umount2 pivot_root chroot setns unshare init_module finit_module kexec_load "
    "open_by_handle_at pidfd_getfd"
)


@dataclass(frozen=True, slots=True)
class _Machine:
    """System call numbers of one processor family (asm/unistd.h) and its audit name (linux/audit.h)."""

    audit: int
    clone: int
    clone3: int
    forks: tuple[int, ...]
    denied: dict[str, int]


def _numbers(text: str) -> dict[str, int]:
    return dict(zip(_DENIED.split(), map(int, text.split()), strict=True))


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        forks=(57, 58),
        denied=_numbers(
            "41 53 42 49 50 43 288 59 322 101 310 311 425 426 427 321 298 323 250 248 249 165 166 155 161 308 272 "
            "175 313 246 304 438"
        ),
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        forks=(),
        denied=_numbers(
            "198 199 203 200 201 202 242 221 281 117 270 271 425 426 427 280 241 282 219 217 218 40 39 41 51 268 "
            "97 105 273 104 265 438"
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the layers achieved; `notices` are sentences for the operator about those that did not take."""

    network_denied: bool
    notices: tuple[str, ...]


def confine(*, memory_bytes: int, file_bytes: int, parent: int, stack_bytes: int) -> Confinement:
    """Confine this process for the rest of its life and return what took; call it before any thread starts.

    `memory_bytes` is the resident limit that the parent watches: the address space may be four times that plus the
    stack, because RocksDB maps far more than it touches (a plain scan of a 10 M store: 1.26 GiB mapped, 205 MiB
    resident). Files written grow to `file_bytes` at most. The process ends when process `parent` does.
    """
    notices: list[str] = []
    _limit_resources(4 * memory_bytes + stack_bytes + (1 << 30), file_bytes, notices)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        notices.append(f"The reader cannot ask to die with its parent: {_reason()}.")
    if os.getppid() != parent:  # The parent died before the line above took.
        os._exit(0)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        notices.append(f"No network namespace for readers ({_reason()}); the system call filter denies the network.")
    _filter_system_calls(libc, notices)
    denied = _network_is_denied()
    if not denied:
        notices.append("Readers can open network connections here: only the scan of the query text denies SERVICE.")
    return Confinement(denied, tuple(notices))


def end_with_parent(parent: int) -> None:
    """Have this process asked to end (SIGTERM) when the process `parent` that started it dies; Linux only.

    A web process that outlived the one which listens for signals would hold the port against its successor.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # The parent died before the line above took.
            os._exit(0)


def _limit_resources(address_space: int, file_bytes: int, notices: list[str]) -> None:
    for name, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, 4096),
    ):
        hard = resource.getrlimit(name)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (wanted, wanted))
    with contextlib.suppress(OSError):
        os.nice(5)
    try:  # The kernel's out-of-memory killer takes a reader before anything else.
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError as error:
        notices.append(f"Readers are not marked as first to go when memory runs out: {error.strerror}.")


def _reason() -> str:
    return os.strerror(ctypes.get_errno())


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter_system_calls(libc: ctypes.CDLL, notices: list[str]) -> None:
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.platform != "linux":
        notices.append(f"No system call filter is known for {sys.platform} on {platform.machine()}.")
        return
    code = bpf_program(machine)
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        notices.append(f"The system call filter needs no_new_privs, which failed: {_reason()}.")
    elif libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        notices.append(f"The system call filter was refused: {_reason()}.")


def bpf_program(machine: _Machine) -> bytes:
    """Return the filter: deny by EACCES what `_DENIED` names and any new process, allow threads and the rest."""
    denied = _ERROR | errno.EACCES
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, denied),  # Another calling convention would dodge the numbers below.
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_AT_LEAST, 0, 1, 0x40000000),  # x32
        (_RETURN, 0, 0, denied),
        # clone3 hides its flags behind a pointer: ENOSYS makes the C library fall back to clone.
        (_EQUAL, 0, 1, machine.clone3),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
    ]
    for number in sorted((*machine.denied.values(), *machine.forks)):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, denied)]
    steps += [
        (_EQUAL, 0, 3, machine.clone),
        (_LOAD, 0, 0, 16),  # low half of the first argument, the flags (both families are little-endian)
        (_SET, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, denied),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _network_is_denied() -> bool:
    """Try what a query would try: a connection to an address that answers nothing (RFC 5737)."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            attempt.settimeout(0)
            attempt.connect(("192.0.2.1", 9))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False
