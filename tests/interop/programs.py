"""Programs that run once per case: oathtool, KeePassXC, pass-otp and the PAM module."""

import base64
import os
import pathlib
import re
import time
import uuid
from functools import partial
from urllib.parse import unquote
from xml.sax.saxutils import escape

from known import CODE, READ, WRITE
from ours import each, is_of, run, started

# At this distance in time steps, no program may accept a passcode.
FAR = 10


def code_or_refusal(command, stdin="", env=None):
    done = started(command, stdin, env)
    return (done.stdout.strip(), None) if done.returncode == 0 and done.stdout.strip() else (None, done.stderr)


def oathtool(report, otp, cases):
    """Checks that this library accepts the passcode of oathtool only at the right time."""
    def said(case):
        command = ["oathtool", "--base32", f"--digits={case.digits}"]
        if case.is_totp:
            command += [f"--totp={case.algorithm}", f"--time-step-size={case.period}s", f"--now=@{case.time}"]
        else:
            command += ["--hotp", f"--counter={case.counter}"]
        return code_or_refusal([*command, case.base32])

    for case, (code, refusal) in zip(cases, each(said, cases)):
        def is_right(of):
            later = of.later(FAR)
            return otp.accepts(of, code) and otp.accepts(later, code) == (otp.codes([later]) == [code])

        report.record("oathtool", CODE, case, is_right, code is None, code or refusal)


def shown_between(otp, before, after, code, case):
    """Whether a case has this passcode at any second from `before` to `after`."""
    moments = range(int(before), int(after) + 1) if case.is_totp else [0]
    return code in otp.codes([case.at(second) for second in moments])


def keepassxc_database(uris, password, directory):
    def identifier():
        return base64.b64encode(uuid.uuid4().bytes).decode()

    def text(key, value):
        return f"<String><Key>{key}</Key><Value>{escape(value)}</Value></String>"

    entries = "".join(f"<Entry><UUID>{identifier()}</UUID>{text('Title', str(number))}{text('otp', uri)}</Entry>"
                      for number, uri in enumerate(uris))
    file = f"{directory}/codes.xml"
    pathlib.Path(file).write_text(
        f"<?xml version='1.0' encoding='utf-8'?><KeePassFile><Meta/><Root><Group><UUID>{identifier()}</UUID>"
        f"<Name>Root</Name>{entries}</Group></Root></KeePassFile>")
    database = f"{directory}/codes.kdbx"
    run("keepassxc-cli", "import", "--quiet", "--set-password", "--decryption-time=100", file, database,
        stdin=f"{password}\n{password}\n")
    return database


def keepassxc(report, otp, cases, directory):
    """Imports a database with our key URIs, and reads each passcode from it."""
    password = "an example password"
    database = keepassxc_database(each(otp.uri, cases), password, directory)

    def said(number):
        command = ["keepassxc-cli", "show", "--quiet", "--totp", database, str(number)]
        before = time.time()
        code, refusal = code_or_refusal(command, f"{password}\n")
        return code, refusal, before, time.time()

    for case, (code, refusal, before, after) in zip(cases, each(said, range(len(cases)))):
        report.record("keepassxc-cli", READ, case, partial(shown_between, otp, before, after, code), code is None,
                     code or refusal)


def pass_otp(report, otp, cases, directory):
    """Inserts each key URI under the name that the tool reads from it, and reads the passcode."""
    home = pathlib.Path(directory) / "gpg"
    home.mkdir(mode=0o700)
    env = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C.UTF-8"}
    user = "interop@example.com"

    def said(number):
        case = cases[number]
        # Each case has its own store, so that equal names do not collide.
        store = pathlib.Path(directory) / "stores" / str(number)
        store.mkdir(parents=True)
        (store / ".gpg-id").write_text(f"{user}\n")
        there = {**env, "PASSWORD_STORE_DIR": str(store)}
        inserted = started(["pass", "otp", "insert"], f"{otp.uri(case)}\n", there)
        name = f"{case.issuer}/{case.account}" if case.issuer else case.account
        if inserted.returncode != 0 or not pathlib.Path(f"{store}/{name}.gpg").is_file():
            return None, f"not inserted as {name}: {inserted.stderr}", 0, 0
        before = time.time()
        code, refusal = code_or_refusal(["pass", "otp", "code", name], env=there)
        return code, refusal, before, time.time()

    try:
        run("gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase=",
            "--quick-generate-key", user, "future-default", "default", "never", env=env)
        answers = each(said, range(len(cases)))
    finally:
        started(["gpgconf", "--kill", "gpg-agent"], env=env)
    for case, (code, refusal, before, after) in zip(cases, answers):
        report.record("pass-otp", READ, case, partial(shown_between, otp, before, after, code), code is None,
                     code or refusal)


def as_root(*command, stdin=""):
    return run(*([] if os.geteuid() == 0 else ["sudo", "-n"]), *command, stdin=stdin)


def pam(report, otp, cases, directory):
    """Reads the key URI of `google-authenticator`, and enters our passcodes into its PAM module."""
    user, secret_file = run("id", "-un").strip(), pathlib.Path(directory) / "pam-secret"
    service = f"countersign-interop-{os.getpid()}"
    as_root("tee", f"/etc/pam.d/{service}",
            stdin=f"auth required pam_google_authenticator.so secret={secret_file} user={user}\n")
    try:
        for case in cases:
            secret_file.unlink(missing_ok=True)
            case = key_uri_of_pam(report, otp, case, secret_file)
            codes_for_pam(report, otp, case, ["pamtester", service, user, "authenticate"])
    finally:
        as_root("rm", f"/etc/pam.d/{service}")


def key_uri_of_pam(report, otp, case, secret_file):
    """Returns the case with the secret that the tool chose."""
    is_prefixed = case.issuer and case.is_prefixed
    command = ["google-authenticator", "--force", "--no-confirm", "--qr-mode=UTF8", "--no-rate-limit",
               "--window-size=3", f"--secret={secret_file}", f"--issuer={case.issuer or ''}",
               f"--label={case.issuer}:{case.account}" if is_prefixed else f"--label={case.account}"]
    command += ["--time-based", "--allow-reuse", f"--step-size={case.period}"] if case.is_totp else ["--counter-based"]
    printed = run(*command)
    case = case.with_secret(secret_file.read_text().splitlines()[0])

    uri = unquote(re.search(r"&chl=(\S+)", printed)[1])
    [found] = otp.read([uri], "--lenient")
    report.record("google-authenticator", WRITE, case, partial(is_of, found), detail=f"{uri}: {found}")
    code = re.search(r"code for code 1 is (\d+)", printed)[1]
    report.record("google-authenticator", CODE, case, lambda of: otp.accepts(of.as_hotp(1), code), detail=code)
    return case


def codes_for_pam(report, otp, case, command):
    def accepted(code):
        return started(command, f"{code}\n").returncode == 0

    now = case.at(time.time())
    near = otp.codes([now.later(steps) for steps in range(-2 if case.is_totp else 0, 6)])
    far = next(code for code in otp.codes([now.later(FAR + steps) for steps in range(9)]) if code not in near)
    right = otp.codes([now])[0]
    # The right passcode comes first, because a wrong passcode also advances the counter of the module.
    results = accepted(right), accepted(far)
    report.record("pam_google_authenticator", CODE, case, lambda _: results == (True, False), detail=results)
