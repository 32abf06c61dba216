"""Answers JSON lines with a library that reads and writes exports of Google Authenticator.

`read`: a part, as a list of entries. `write`: a list of entries, as a part.
"""

import base64
import json
import sys
import urllib.parse

BEGINNING = "otpauth-migration://offline?data="
ALGORITHMS, DIGITS, KINDS = ("SHA1", "SHA256", "SHA512"), (6, 8), ("hotp", "totp")


def protobuf():
    """The message as Google's library has it."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    # With proto2, a reader can see whether a number was written.
    file = descriptor_pb2.FileDescriptorProto(name="migration.proto", package="migration", syntax="proto2")
    payload, entry = file.message_type.add(name="Payload"), file.message_type.add(name="Entry")
    payload.field.add(name="entries", number=1, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED,
                      type_name=".migration.Entry")
    for number, name in enumerate(("version", "batch_size", "batch_index", "batch_id"), 2):
        payload.field.add(name=name, number=number, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    types = {"secret": field.TYPE_BYTES, "name": field.TYPE_STRING, "issuer": field.TYPE_STRING,
             "algorithm": field.TYPE_INT32, "digits": field.TYPE_INT32, "type": field.TYPE_INT32,
             "counter": field.TYPE_INT64}
    for number, (name, kind) in enumerate(types.items(), 1):
        entry.field.add(name=name, number=number, type=kind, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.GetMessageClass(pool.FindMessageTypeByName("migration.Payload"))

    def read(uri):
        data = urllib.parse.unquote(uri.removeprefix(BEGINNING))
        part = made.FromString(base64.b64decode(data, validate=True))
        assert all(part.HasField(name) for name in ("version", "batch_size", "batch_index", "batch_id"))
        return part, part.entries

    def write(entries, size, index, batch_id):
        part = made(version=1, batch_size=size, batch_index=index, batch_id=batch_id)
        for fields in entries:
            part.entries.add(**fields)
        return BEGINNING + urllib.parse.quote(base64.b64encode(part.SerializeToString()).decode(), safe="")

    return read, write


def otpa():
    from otpa import migration
    from otpa.models import Algorithm, DigitCount, MigrationPayload, OtpParameters, OtpType

    def read(uri):
        part = migration.migration_link_to_payload(uri)
        return part, part.otp_parameters

    def write(entries, size, index, batch_id):
        made = [OtpParameters(**{**fields, "algorithm": Algorithm(fields["algorithm"]),
                                 "digits": DigitCount(fields["digits"]), "type": OtpType(fields["type"])})
                for fields in entries]
        return migration.payload_to_migration_link(MigrationPayload(made, 1, size, index, batch_id))

    return read, write


def found(entry):
    prefix, colon, account = entry.name.rpartition(":")
    issuer = entry.issuer or None
    is_totp = KINDS[entry.type - 1] == "totp"
    return {
        "type": KINDS[entry.type - 1], "issuer": issuer, "prefix": prefix if colon and prefix != issuer else None,
        "account": account, "secret": base64.b32encode(entry.secret).decode().rstrip("="),
        "algorithm": ALGORITHMS[entry.algorithm - 1], "digits": DIGITS[entry.digits - 1],
        "period": 30 if is_totp else None, "counter": None if is_totp else str(entry.counter),
    }


def fields(case):
    name = f"{case['prefix']}:{case['account']}" if case["prefix"] else case["account"]
    made = {
        "secret": base64.b32decode(case["secret"] + "=" * (-len(case["secret"]) % 8)), "name": name,
        "issuer": case["issuer"] or "", "algorithm": ALGORITHMS.index(case["algorithm"]) + 1,
        "digits": DIGITS.index(case["digits"]) + 1, "type": KINDS.index(case["type"]) + 1,
    }
    return made if case["counter"] is None else {**made, "counter": int(case["counter"])}


READ, WRITE = {"protobuf": protobuf, "otpa": otpa}[sys.argv[1]]()
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["do"] == "read":
            part, entries = READ(request["uri"])
            said = {"batch": [part.batch_size, part.batch_index, part.batch_id],
                    "entries": [found(entry) for entry in entries]}
        else:
            said = {"uri": WRITE([fields(case) for case in request["entries"]], *request["batch"])}
    except Exception as error:  # Any error is a refusal.
        said = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
