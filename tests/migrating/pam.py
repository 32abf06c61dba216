"""Enters codes into a PAM module."""

import contextlib
import os
import subprocess


def as_root(*command, **options):
    return subprocess.run(command if os.geteuid() == 0 else ["sudo", "-n", *command], check=True, **options)


@contextlib.contextmanager
def service(module):
    """A PAM service with this module. It has a file in /etc/pam.d until the block ends."""
    name = f"countersign-migrating-{os.getpid()}"
    as_root("tee", f"/etc/pam.d/{name}", input=f"auth required {module}\n", text=True, stdout=subprocess.DEVNULL)

    def accepts(user, code):
        command = ["pamtester", name, user, "authenticate"]
        return subprocess.run(command, input=f"{code}\n", text=True, capture_output=True).returncode == 0

    try:
        yield accepts
    finally:
        as_root("rm", f"/etc/pam.d/{name}")


def oathtool(*arguments):
    return subprocess.run(["oathtool", *arguments], check=True, capture_output=True, text=True).stdout.strip()
