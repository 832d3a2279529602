# Listens on a neighbour's ports and on one of its own, and says so.
import socket
import time

sockets = []
for kind, port in ((socket.SOCK_STREAM, 2205), (socket.SOCK_DGRAM, 2210), (socket.SOCK_STREAM, 2005)):
    listening = socket.socket(socket.AF_INET, kind)
    listening.bind(("", port))
    if kind == socket.SOCK_STREAM:
        listening.listen()
    sockets.append(listening)
open("listening", "w").close()
while True:
    time.sleep(60)
