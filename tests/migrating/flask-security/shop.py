"""A small application with Flask-Security-Too. It stores the last counter, as the documentation of `Totp` advises."""

import base64
import os

from flask import Flask
from flask_security import Security, SQLAlchemyUserDatastore, Totp
from flask_security.models import fsqla_v3
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config.update(
    SECRET_KEY="a sample application",
    SECURITY_PASSWORD_SALT="a sample",
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.getcwd()}/shop.db",
    SECURITY_TWO_FACTOR=True,
    SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator", "email"],
    SECURITY_TOTP_SECRETS={1: "the first secret of the sample", 2: "the second secret of the sample"},
    SECURITY_TOTP_ISSUER="Shop",
    SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
    SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=[base64.urlsafe_b64encode(b"a" * 32)],
)
db = SQLAlchemy(app)
fsqla_v3.FsModels.set_db_info(db)


class Role(db.Model, fsqla_v3.FsRoleMixin):
    pass


class User(db.Model, fsqla_v3.FsUserMixin):
    last_counter = db.Column(db.Integer)


class StoringTotp(Totp):
    def get_last_counter(self, user):
        return user.last_counter

    def set_last_counter(self, user, tmatch):
        user.last_counter = tmatch.counter


security = Security(app, SQLAlchemyUserDatastore(db, User, Role), totp_cls=StoringTotp)
