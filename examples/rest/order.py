"""Places an order over REST and follows it to its end over Server-Sent Events."""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("SANMON_URL", "http://localhost:3000")
AUTHORIZATION = f"Bearer {os.environ.get('SANMON_KEY', '')}"
ENDS = ("order-confirmed", "order-rejected", "order-cancelled")


def call(path, body=None, **headers):
    """Asks and answers the open response; what is refused (4xx) ends the program with the reason."""
    headers = {"Authorization": AUTHORIZATION, **headers}
    request = urllib.request.Request(URL + path, body, headers)
    try:
        return urllib.request.urlopen(request, timeout=45)  # a live stream has a heartbeat every 15 s
    except urllib.error.HTTPError as answer:
        if answer.code >= 500:
            raise
        sys.exit(answer.read().decode())


def place(order):
    """The same key for every attempt: however often the request arrives, it is one order."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    for attempt in range(1, 6):
        try:
            return json.load(call("/v1/orders", json.dumps(order).encode(), **headers))
        except (OSError, http.client.HTTPException) as no_answer:
            if attempt == 5:
                sys.exit(f"no answer from {URL}: {no_answer}")
            time.sleep(attempt * 0.5)


def updates_of(order_id):
    """Goes on after the last cursor when the stream breaks: nothing is missed and nothing comes twice."""
    cursor = {}
    while True:
        try:
            with call(f"/v1/orders/{order_id}/live", **cursor) as stream:
                if stream.status == 204:  # nothing more can happen
                    return
                for line in stream:
                    if line.startswith(b"data: "):
                        update = json.loads(line[len(b"data: ") :])
                        cursor = {"Last-Event-ID": update["cursor"]}
                        yield update
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(2)


placed = place(
    {
        "customerId": "ada",
        "email": "ada@example.com",
        "currency": "JPY",
        "lines": [{"sku": "tea", "quantity": 1}],
        "paymentMethod": sys.argv[1] if len(sys.argv) > 1 else "pm_ok",
    }
)
print(placed["id"])
for update in updates_of(placed["id"]):
    print(update["type"])
    if update["type"] in ENDS:
        print(update["order"]["state"], update["order"].get("reason", ""))
        break
