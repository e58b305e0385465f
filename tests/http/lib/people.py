"""People nobody has met before: fresh identifiers and passwords for every run of every case."""
import itertools
import os
import secrets

_count = itertools.count(int.from_bytes(os.urandom(2), "big") % 5000)


class Person:
    """Somebody with an identifier of one kind; `code` is the last one they were sent."""

    def __init__(self, email, phone, password):
        self.email = email
        self.phone = phone
        self.password = password
        self.code = None

    @property
    def identifier(self):
        return self.email or self.phone

    @property
    def kind(self):
        return "email" if self.email else "phone"

    @property
    def identity(self):
        """The member of a registration that names them."""
        return {self.kind: self.identifier}


class Namespace:
    """The people of one run; knows how to call each by a name that is the same in every run."""

    def __init__(self, canary):
        self.canary = canary
        self.unique = secrets.token_hex(6)
        self.names = {self.unique: "{run}"}
        self.people = 0

    def alias(self, real, name):
        self.names[real] = name
        return real

    def secret(self, kind, value):
        self.canary.add(kind, value)
        return value

    def password(self):
        return self.secret("password", "pw-%s-%s" % (secrets.token_hex(4), secrets.token_hex(8)))

    def email(self, local="ada", domain="example.com"):
        """A new address; every run's is as long as every other's."""
        self.people += 1
        return self.secret("e-mail", "%s.%d.%s@%s" % (local, self.people, self.unique, domain))

    def phone(self):
        """A new Nigerian mobile number in E.164; all end alike, so all look alike when masked."""
        self.people += 1
        number = "803%04d%03d" % (next(_count) % 10000, self.people)
        self.alias(number, "{phone.%d}" % self.people)
        self.canary.add("phone number", number)
        return "+234" + number

    def person(self, kind="email"):
        if kind == "email":
            return Person(self.email(), None, self.password())
        return Person(None, self.phone(), self.password())
