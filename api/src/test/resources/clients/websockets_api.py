"""The way of ComfyUI's own API examples, with the standard library alone: a prompt posted as a form,
events over a raw WebSocket until a node of null, then history and picture."""

import base64
import json
import os
import socket
import struct
import sys
import urllib.parse
import urllib.request
import uuid

ADDRESS, WORKFLOW = sys.argv[1], sys.argv[2]
CLIENT = str(uuid.uuid4())


def connect():
    host, port = ADDRESS.split(":")
    stream = socket.create_connection((host, int(port)), timeout=60)
    key = base64.b64encode(os.urandom(16)).decode()
    stream.sendall(
        (
            f"GET /ws?clientId={CLIENT} HTTP/1.1\r\nHost: {ADDRESS}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    incoming = stream.makefile("rb")
    assert b"101" in incoming.readline()
    while incoming.readline().strip():
        pass
    return stream, incoming


def frame(incoming):
    """Opcode and payload of one whole message."""
    payload = b""
    opcode = None
    while True:
        first, second = incoming.read(2)
        opcode = opcode if opcode is not None else first & 15
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", incoming.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", incoming.read(8))
        payload += incoming.read(length)
        if first & 128:
            return opcode, payload


def get(path, **query):
    with urllib.request.urlopen(f"http://{ADDRESS}{path}?{urllib.parse.urlencode(query)}") as answer:
        return answer.read()


stream, incoming = connect()
prompt = json.load(open(WORKFLOW))
body = json.dumps({"prompt": prompt, "client_id": CLIENT}).encode()
request = urllib.request.Request(f"http://{ADDRESS}/prompt", data=body)
prompt_id = json.loads(urllib.request.urlopen(request).read())["prompt_id"]
pictures = 0
while True:
    opcode, payload = frame(incoming)
    if opcode == 2:
        assert struct.unpack(">II", payload[:8]) == (1, 1)
        pictures += 1
    elif opcode == 1:
        message = json.loads(payload)
        if message["type"] == "executing":
            data = message["data"]
            if data["node"] is None and data["prompt_id"] == prompt_id:
                break
entry = json.loads(get(f"/history/{prompt_id}"))[prompt_id]
image = entry["outputs"]["9"]["images"][0]
size = len(get("/view", filename=image["filename"], subfolder=image["subfolder"], type=image["type"]))
print("RESULT", json.dumps({"size": size, "pictures": pictures}))
