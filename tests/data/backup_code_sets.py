"""Makes backup_code_sets.txt, the encoded backup-code sets, with independent software: argon2-cffi (the reference C code) and
cbor2.

    pip install argon2-cffi cbor2 && python3 backup_code_sets.py > backup_code_sets.txt
"""

import hmac

import argon2.low_level as low
import cbor2

ALPHABETS = {"digits": 0, "unambiguous": 1}


def hash_of(code, salt, memory_kib, passes, lanes, pepper):
    ffi, size = low.ffi, 16
    out, password, salt_c, secret = (ffi.new("uint8_t[]", x) for x in (bytes(size), code, salt, pepper))
    context = ffi.new(
        "argon2_context *",
        dict(
            out=out, outlen=size, pwd=password, pwdlen=len(code), salt=salt_c, saltlen=len(salt),
            secret=secret if pepper else ffi.NULL, secretlen=len(pepper), ad=ffi.NULL, adlen=0,
            t_cost=passes, m_cost=memory_kib, lanes=lanes, threads=1, version=0x13,
            allocate_cbk=ffi.NULL, free_cbk=ffi.NULL, flags=low.lib.ARGON2_DEFAULT_FLAGS,
        ),
    )
    assert low.core(context, low.Type.ID.value) == low.lib.ARGON2_OK
    return bytes(ffi.buffer(out, size))


def code_set(name, alphabet, length, group, codes, params, salt, issued_at, pepper_id=None, pepper=b"", used={}):
    assert all(len(code) == length for code in codes)
    hashes = b"".join(hash_of(code.encode(), salt, *params, pepper) for code in codes)
    fields = [1, salt, *params, ALPHABETS[alphabet], length, group, len(codes), issued_at, pepper_id, hashes, used]
    print(name, ",".join(codes), pepper.hex() or "-", cbor2.dumps(fields, canonical=True).hex())


def digests_of(codes, key):
    return b"".join(hmac.digest(key, b"countersign backup code" + code.encode(), "sha256")[:16] for code in codes)


def keyed_set(name, alphabet, length, group, codes, salt, key, issued_at, used={}):
    assert all(len(code) == length for code in codes)
    fields = [2, salt, key, ALPHABETS[alphabet], length, group, len(codes), issued_at, digests_of(codes, key), used]
    print(name, ",".join(codes), "-", cbor2.dumps(fields, canonical=True).hex())


if __name__ == "__main__":
    print("# name, codes, pepper, encoded set: made by backup_code_sets.py with argon2-cffi and cbor2")
    code_set("defaults", "digits", 8, 4, [f"{n * 9_876_543 % 100_000_000:08}" for n in range(1, 11)],
           (19456, 2, 1), bytes(range(16)), 1_795_478_400)
    code_set("letters", "unambiguous", 13, 5, ["0123456789ABC", "DEFGHJKMNPQRS", "TVWXYZ0000001"],
           (64, 3, 4), bytes(range(240, 256)), 0)
    code_set("peppered", "digits", 6, 3, ["000000", "999999"],
           (32, 1, 1), b"\xff" * 16, 2**64 - 1, 0, b"sixteen bytes ok")
    code_set("used", "digits", 32, 0, ["1" * 32, "2" * 32, "3" * 32],
           (8, 1, 1), bytes(16), 1_795_478_400, 2**32 - 1, b"p" * 64, {0: 0, 2: 1_795_478_401})
    keyed_set("keyed", "unambiguous", 23, 6, ["0123456789ABCDEFGHJKMNP", "QRSTVWXYZ00000000000001", "Z" * 23],
              bytes(range(16)), bytes(range(100, 132)), 1_795_478_400, {1: 1_795_478_401})
