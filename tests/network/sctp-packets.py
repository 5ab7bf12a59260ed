"""The first two packets of SCTP by a raw socket, for kernels that have none of it.

  serve PORT           answers each INIT to the port with an INIT ACK
  ask ADDRESS PORT     sends an INIT until an answer comes, and prints what it says: "90 from 10.0.0.1", its port there and whom the server saw
"""

import socket
import struct
import sys

SCTP = 132
INIT, INIT_ACK = 1, 2
CLIENT_PORT = 4444
TAG = 0x12345678


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def packet(source, destination, tag, kind, text):
    """One chunk, whose parameter (7, a state cookie) holds the text."""
    cookie = struct.pack("!HH", 7, 4 + len(text)) + text + bytes(-len(text) % 4)
    chunk = struct.pack("!BBHIIHHI", kind, 0, 20 + len(cookie), TAG, 65536, 1, 1, 1) + cookie
    head = struct.pack("!HHI", source, destination, tag)
    checksum = struct.pack("<I", crc32c(head + bytes(4) + chunk))
    return head + checksum + chunk


def receive(link):
    """(source address, source port, destination port, kind, text) of the next packet that is whole."""
    while True:
        data, (address, _) = link.recvfrom(2048)
        body = data[(data[0] & 15) * 4 :]
        source, destination = struct.unpack("!HH", body[:4])
        if crc32c(body[:8] + bytes(4) + body[12:]) != struct.unpack("<I", body[8:12])[0]:
            continue
        length = struct.unpack("!H", body[34:36])[0]
        return address, source, destination, body[12], body[36 : 32 + length]


def serve(link, port):
    print("ready", flush=True)
    while True:
        address, source, destination, kind, _ = receive(link)
        if kind == INIT and destination == port:
            answer = f"{destination} from {address}".encode()
            link.sendto(packet(destination, source, TAG, INIT_ACK, answer), (address, 0))


def ask(link, address, port):
    link.settimeout(1)
    for _ in range(30):
        link.sendto(packet(CLIENT_PORT, port, 0, INIT, b"?"), (address, 0))
        try:
            sender, source, destination, kind, text = receive(link)
        except TimeoutError:
            continue
        if kind == INIT_ACK and (sender, source, destination) == (address, port, CLIENT_PORT):
            return print(text.decode())
    print("none")


with socket.socket(socket.AF_INET, socket.SOCK_RAW, SCTP) as raw:
    if sys.argv[1] == "serve":
        serve(raw, int(sys.argv[2]))
    else:
        ask(raw, sys.argv[2], int(sys.argv[3]))
