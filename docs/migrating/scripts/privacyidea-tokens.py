"""Writes the TOTP and HOTP tokens of privacyIDEA as JSON lines, one user a line.

    PRIVACYIDEA_CONFIGFILE=/etc/privacyidea/pi.cfg python privacyidea-tokens.py > rows.jsonl

Tokens without a user, disabled tokens and tokens that are not rolled out are left out.
"""

import base64
import itertools
import json
import os
import sys

from privacyidea.app import create_app
from privacyidea.lib.token import create_tokenclass_object
from privacyidea.models import Token, TokenOwner, db


def authenticator(token):
    row = {
        "type": token.type,
        "secret": base64.b32encode(bytes.fromhex(token.token.get_otpkey().getKey().decode())).decode().rstrip("="),
        "algorithm": token.hashlib.upper(),
        "digits": int(token.token.otplen),
    }
    if token.token.description:
        row["name"] = token.token.description
    if token.type == "hotp":
        return row | {"counter": token.token.count}
    # timeShift is measured from the start of the passcode's time step: -30 to 0 if the clock is right.
    if not -2 * token.timestep <= token.timeshift <= token.timestep:
        print(f"token {token.token.serial}: its clock is off by {token.timeshift:.0f} seconds", file=sys.stderr)
    return row | {"period": token.timestep, "last_step": token.token.count}


app = create_app("production", config_file=os.environ["PRIVACYIDEA_CONFIGFILE"], silent=True)
with app.app_context():
    owned = (
        db.session.query(TokenOwner.resolver, TokenOwner.user_id, TokenOwner.token_id)
        .join(Token, TokenOwner.token_id == Token.id)
        .filter(Token.tokentype.in_(["totp", "hotp"]), Token.active, ~Token.revoked)
        .filter(Token.rollout_state.in_(["", "enrolled"]) | Token.rollout_state.is_(None))
        .order_by(TokenOwner.resolver, TokenOwner.user_id, TokenOwner.token_id)
        .distinct()
        .yield_per(1000)
    )
    for (resolver, user_id), rows in itertools.groupby(owned, lambda row: row[:2]):
        tokens = [create_tokenclass_object(db.session.get(Token, row.token_id)) for row in rows]
        print(json.dumps({"account": user_id, "authenticators": [authenticator(token) for token in tokens]}))
