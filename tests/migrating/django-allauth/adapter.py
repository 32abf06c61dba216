from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet

FERNET = Fernet(b"a" * 43 + b"=")


class EncryptingAdapter(DefaultMFAAdapter):
    def encrypt(self, text):
        return FERNET.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text):
        return FERNET.decrypt(encrypted_text.encode()).decode()
