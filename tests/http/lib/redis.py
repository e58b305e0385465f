"""The Redis of a run with --redis: every server gets a database of its own in it."""
import atexit
import itertools
import os
import shutil
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "support"))

import redis_server  # noqa: E402 (the path comes first)

_databases = itertools.count()
_server = None


def start():
    """False when there is none to be had."""
    global _server
    program = shutil.which("redis-server")
    if not program:
        return False
    _server = redis_server.Redis(program, "--databases", "10000")
    _server.start()
    atexit.register(_server.remove)
    return True


def settings():
    """What a new server needs to use it: nothing when this run has none."""
    if not _server:
        return {}
    return {
        "redis_url": "redis://127.0.0.1:%d/%d" % (_server.port, next(_databases)),
        "redis_timeout": "1s",  # a busy machine is no reason to do without
    }
