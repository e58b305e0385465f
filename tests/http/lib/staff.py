"""Company people: made on the command line, as the first of them are, and signed in over HTTP."""

ROLES = ("client", "vendor", "support", "assistant", "reviewer", "enhancer", "staff", "admin",
         "superadmin")


def hire(t, role, kind="email"):
    """Somebody of this role, signed in; their tokens are in `.tokens`, their id in `.id`."""
    person = t.people.person(kind)
    made = t.server.run("user", "create", person.identifier, "--role", role, "--password-stdin",
                        text=person.password)
    t.eq(made.returncode, 0, "exit status of user create: %s" % made.stderr.decode())
    person.id = made.stdout.decode().split()[-1]
    person.tokens = t.login(person).data
    return person


def bearer(person):
    """The header that says who is calling; nobody for None."""
    return [("Authorization", "Bearer " + person.tokens["access"])] if person else []
