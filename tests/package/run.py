#!/usr/bin/env python3
"""Install, run, upgrade, remove and purge the Debian package, in a copy of this system that is
thrown away: an overlay over / in a mount namespace of its own. Needs root; prints TAP.

    tests/package/run.py PACKAGE.deb
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CONF = "/etc/cloakroom/cloakroom.conf"
DATA = "/var/lib/cloakroom"
PORT = 18973
CLONE_NEWNS = 0x20000
results = []


def check(title, good, why=""):
    results.append(bool(good))
    print("%s %d - %s" % ("ok" if good else "not ok", len(results), title), flush=True)
    if not good and why:
        print("#    " + str(why).replace("\n", "\n#    "), flush=True)


def sh(command):
    """Run a line in the copy; returns (status, what it said)."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=300,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def enter_copy(room):
    """From here on, / is a copy: writes go to memory."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", room], check=True)
    for name in ("upper", "work", "root"):
        os.mkdir(os.path.join(room, name))
    root = os.path.join(room, "root")
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir=%s/upper,"
                    "workdir=%s/work" % (room, room), root], check=True)
    for name in ("proc", "dev", "sys"):
        subprocess.run(["mount", "--rbind", "/" + name, os.path.join(root, name)], check=True)
    os.chroot(root)
    os.chdir("/")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/tmp"], check=True)


def healthy():
    """Wait for the first answer; False when none comes."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/healthz" % PORT, timeout=2) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    return False


def command_of(unit):
    """What systemd would start."""
    lines = open(unit, encoding="ascii").read().splitlines()
    return next(line.split("=", 1)[1] for line in lines if line.startswith("ExecStart="))


def serve():
    """Start it as the unit does: its user, its command."""
    line = "exec runuser -u cloakroom -- %s --listen 127.0.0.1:%d" % (
        command_of("/lib/systemd/system/cloakroom.service"), PORT)
    return subprocess.Popen(["sh", "-c", line], start_new_session=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def stop(process):
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def mode(path):
    status, text = sh("stat -c '%U:%G %a' " + path)
    return text.strip() if status == 0 else "missing"


def walk_through(package):
    status, text = sh("DEBIAN_FRONTEND=noninteractive dpkg -i " + package)
    check("it installs", status == 0, text)
    check("its user has no shell and no home of its own",
          sh("getent passwd cloakroom")[1].strip().endswith("/usr/sbin/nologin"))
    for path, want in ((DATA, "cloakroom:cloakroom 700"), ("/etc/cloakroom", "root:cloakroom 750"),
                       (CONF, "root:cloakroom 640"),
                       ("/etc/cloakroom/master.key", "root:cloakroom 640"),
                       ("/etc/cloakroom/token.secret", "root:cloakroom 640")):
        check("%s is %s" % (path, want), mode(path) == want, mode(path))
    check("the manual is there", mode("/usr/share/man/man8/cloakroom.8.gz") != "missing")
    key = sh("sha256sum /etc/cloakroom/master.key")[1]

    server = serve()
    up = healthy()
    check("it serves as the unit starts it", up, "" if up else server.stderr.read())
    made = sh("runuser -u cloakroom -- cloakroom user list")
    check("its command line works beside it", made[0] == 0, made[1])
    stop(server)
    check("it stops when told to", server.returncode in (0, -signal.SIGTERM), server.returncode)

    sh("echo '# mine' >> " + CONF)
    status, text = sh("DEBIAN_FRONTEND=noninteractive dpkg -i " + package)
    check("installing it again keeps settings and keys",
          status == 0 and sh("grep -q '# mine' " + CONF)[0] == 0
          and sh("sha256sum /etc/cloakroom/master.key")[1] == key, text)
    status, text = sh("dpkg -r cloakroom")
    check("removing it keeps settings, keys and data",
          status == 0 and mode(CONF) != "missing" and mode(DATA + "/cloakroom.db") != "missing"
          and mode("/usr/bin/cloakroom") == "missing", text)
    status, text = sh("dpkg -P cloakroom")
    check("purging it leaves nothing", status == 0 and mode("/etc/cloakroom") == "missing"
          and mode(DATA) == "missing" and sh("getent passwd cloakroom")[0] != 0, text)


def main():
    package = os.path.abspath(sys.argv[1])
    if os.geteuid() != 0:
        print("ok 1 - the package installs # SKIP needs root\n1..1")
        return 0
    room = tempfile.mkdtemp(prefix="cloakroom-package-")
    try:
        child = os.fork()
        if child == 0:
            contents = open(package, "rb").read()
            enter_copy(room)
            with open("/tmp/cloakroom.deb", "wb") as file:
                file.write(contents)
            walk_through("/tmp/cloakroom.deb")
            print("1..%d" % len(results), flush=True)
            os._exit(0 if all(results) else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
