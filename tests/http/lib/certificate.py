"""Certificates for tests of TLS."""
import os
import subprocess


def make_certificate(directory, name):
    """A self-signed certificate for localhost; returns (certificate, key)."""
    paths = [os.path.join(directory, name + end) for end in (".crt", ".key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:localhost",
         "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths
