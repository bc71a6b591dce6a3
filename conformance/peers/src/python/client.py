"""Shakes hands with Python's ssl module as a JSON object on standard input says, and prints a JSON array, one
object a connection. Each connection offers the session of the one before it."""

import json
import socket
import ssl
import sys

job = json.load(sys.stdin)
context = ssl.create_default_context(cafile=job["ca"])
if job.get("minimum"):
    context.minimum_version = ssl.TLSVersion[job["minimum"]]
if job.get("maximum"):
    context.maximum_version = ssl.TLSVersion[job["maximum"]]
if job.get("ciphers"):
    context.set_ciphers(job["ciphers"])
if job.get("curve"):
    context.set_ecdh_curve(job["curve"])
if job.get("alpn"):
    context.set_alpn_protocols(job["alpn"])
if job.get("no_tickets"):
    context.options |= ssl.OP_NO_TICKET

request = f"GET {job['path']} HTTP/1.1\r\nHost: {job['host']}\r\nConnection: close\r\n\r\n".encode()
session = None
results = []
for _ in range(job["connections"]):
    try:
        with socket.create_connection((job["address"], job["port"]), timeout=30) as plain:
            # Not suppressed: an end of the stream without close_notify is an error of the edge's.
            with context.wrap_socket(
                plain, server_hostname=job["host"], session=session, suppress_ragged_eofs=False
            ) as secure:
                secure.sendall(request)
                answer = b""
                while piece := secure.recv(65536):
                    answer += piece
                names = [value for kind, value in secure.getpeercert()["subjectAltName"] if kind == "DNS"]
                results.append({
                    "version": secure.version(),
                    "cipher": secure.cipher()[0],
                    "alpn": secure.selected_alpn_protocol(),
                    "resumed": secure.session_reused,
                    "names": names,
                    "status": answer.split(b" ", 2)[1].decode(),
                    "length": len(answer.split(b"\r\n\r\n", 1)[1]),
                })
                session = secure.session
    except (ssl.SSLError, OSError) as error:
        results.append({"error": f"{type(error).__name__}: {error}"})
json.dump(results, sys.stdout)
