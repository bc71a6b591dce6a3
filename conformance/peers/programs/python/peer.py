"""Shakes hands with Python's ssl module as lines on standard input say; see src/matrix/peers/lines.rs."""

import socket
import ssl
import sys

REQUEST = b"GET / HTTP/1.0\r\n\r\n"
ANSWER = b"HTTP/1.0 200 OK\r\n\r\nserved\n"
PATIENCE_S = 20


def describe(_job):
    openssl = ".".join(map(str, ssl.OPENSSL_VERSION_INFO[:2]))
    say("product", f"Python {sys.version_info[0]}.{sys.version_info[1]} (OpenSSL {openssl})")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL")
    say("suites", *(cipher["name"] for cipher in context.get_ciphers()))
    # The module can neither list groups nor ask for one, so it offers what its OpenSSL offers by default.
    curves = ["x25519", "secp256r1", "secp384r1", "secp521r1"]
    finite_fields = ["ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"]
    hybrids = ["X25519MLKEM768"] if ssl.OPENSSL_VERSION_INFO >= (3, 5) else []
    say("groups", "1.3", *hybrids, *curves, *(finite_fields if ssl.OPENSSL_VERSION_INFO >= (3, 0) else []))
    say("groups", "1.2", *curves, *finite_fields)
    say("certificates", "rsa2048", "rsapss", "p256", "p384", "p521", "ed25519")


def context_of(job, protocol):
    context = ssl.SSLContext(protocol)
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[job["version"]]
    context.minimum_version = context.maximum_version = version
    if job["version"] == "1.2":
        context.set_ciphers(job["suite_openssl"])
    context.load_verify_locations(cafile=job["ca"])
    if job["certificate"]:
        context.load_cert_chain(job["certificate"], job["key"])
    if job["flow"] == "HelloRetryRequest" and protocol == ssl.PROTOCOL_TLS_SERVER:
        context.set_ecdh_curve(job["groups_openssl"])
    if job["flow"] == "session id":
        context.options |= ssl.OP_NO_TICKET
    return context


def client(job):
    context = context_of(job, ssl.PROTOCOL_TLS_CLIENT)
    session = None
    for _ in range(int(job["connections"])):
        with socket.create_connection(("127.0.0.1", int(job["port"])), timeout=PATIENCE_S) as plain:
            # Not suppressed: an end of the stream without close_notify is an error of Keyward's.
            with context.wrap_socket(
                plain, server_hostname=job["host"], session=session, suppress_ragged_eofs=False
            ) as secure:
                secure.sendall(REQUEST)
                got = b""
                while piece := secure.recv(65536):
                    got += piece
                expect(got, ANSWER)
                report(secure)
                session = secure.session


def server(job):
    context = context_of(job, ssl.PROTOCOL_TLS_SERVER)
    # The client's order of groups, which begins with the one that the case is about.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if job["client_auth"] == "true":
        context.verify_mode = ssl.CERT_REQUIRED
    if job["dh"]:
        context.load_dh_params(job["dh"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        say("listening", listener.getsockname()[1])
        for _ in range(int(job["connections"])):
            plain, _ = listener.accept()
            plain.settimeout(PATIENCE_S)
            with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as secure:
                got = b""
                while len(got) < len(REQUEST):
                    got += secure.recv(len(REQUEST) - len(got)) or bytes(len(REQUEST))
                expect(got, REQUEST)
                secure.sendall(ANSWER)
                report(secure)
                expect(secure.recv(1), b"")
                # OpenSSL forgets a session whose connection it does not end in order.
                secure.unwrap()


def expect(got, expected):
    if got != expected:
        raise ValueError(f"{got!r}, not {expected!r}")


def report(secure):
    certificate = secure.getpeercert() or {}
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    say(
        "connection",
        f"version={secure.version().removeprefix('TLSv')}",
        f"suite={secure.cipher()[0]}",
        f"resumed={str(secure.session_reused).lower()}",
        f"peer={names[0] if names else ''}",
    )


def say(*words):
    print(*words, sep="\t", flush=True)


for line in sys.stdin:
    job = dict(field.split("=", 1) for field in line.rstrip("\n").split("\t"))
    try:
        {"describe": describe, "client": client, "server": server}[job["role"]](job)
        say("done")
    except Exception as error:  # whatever it is, it is the answer
        say("failed", f"{type(error).__name__}: {error}".replace("\n", " ").replace("\t", " "))
