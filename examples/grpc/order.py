"""Places an order over gRPC and follows it to its end with WatchOrder."""

import json
import os
import sys
import time
import uuid

import grpc
from sanmon.orders.v1 import orders_pb2, orders_pb2_grpc  # generated, see README.md

ADDRESS = os.environ.get("SANMON_GRPC", "localhost:50051")
AUTHORIZATION = ("authorization", f"Bearer {os.environ.get('SANMON_KEY', '')}")
ENDS = ("order-confirmed", "order-rejected", "order-cancelled")

# gRPC asks again by itself while the server is away.
RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": "sanmon.orders.v1.OrdersService"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.5s",
                "maxBackoff": "5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def place(orders, request):
    """The same key for every attempt: however often the request arrives, it is one order."""
    return orders.PlaceOrder(request, metadata=[AUTHORIZATION, ("idempotency-key", str(uuid.uuid4()))])


def updates_of(orders, order_id):
    """Goes on after the last cursor when the stream breaks: nothing is missed and nothing comes twice."""
    request = orders_pb2.WatchOrderRequest(id=order_id)
    while True:
        try:
            for update in orders.WatchOrder(request, metadata=[AUTHORIZATION]):
                request.cursor = update.cursor
                yield update
            return  # nothing more can happen
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(2)


request = orders_pb2.PlaceOrderRequest(
    customer_id="ada",
    email="ada@example.com",
    currency="JPY",
    lines=[orders_pb2.PlaceOrderRequest.Line(sku="tea", quantity=1)],
    payment_method=sys.argv[1] if len(sys.argv) > 1 else "pm_ok",
)
with grpc.insecure_channel(ADDRESS, [("grpc.service_config", json.dumps(RETRIES))]) as channel:
    orders = orders_pb2_grpc.OrdersServiceStub(channel)
    try:
        placed = place(orders, request)
        print(placed.id)
        for update in updates_of(orders, placed.id):
            print(update.type)
            if update.type in ENDS:
                print(orders_pb2.Order.State.Name(update.order.state), update.order.reason)
                break
    except grpc.RpcError as refused:
        sys.exit(f"{refused.code().name}: {refused.details()}")
