SECRET_KEY = "a sample application"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
MFA_ADAPTER = "adapter.EncryptingAdapter"
MFA_TOTP_TOLERANCE = 1
