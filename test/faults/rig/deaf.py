"""Opens sockets that never read, with buffers so small that the server has to wait: Node cannot set them.

Arguments: port, how many. Standard input: what each of them sends. Holds them until standard input ends.
"""
import socket
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
length = int(sys.stdin.buffer.readline())
request = sys.stdin.buffer.read(length)
held = []
for _ in range(count):
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    one.connect(("127.0.0.1", port))
    one.sendall(request)
    held.append(one)
print("open", flush=True)
sys.stdin.buffer.read()
