"""Public test corpora; they lie beside a checkout, not in it, and may be absent."""
import os

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def corpus(*path):
    """The path of a file or folder, or None when the corpora are not here."""
    base = os.environ.get("CLOAKROOM_CORPORA") or os.path.join(_ROOT, "..", "shared", "corpora")
    full = os.path.join(base, *path)
    return full if os.path.exists(full) else None
