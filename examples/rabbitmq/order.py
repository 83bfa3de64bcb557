"""Places an order over RabbitMQ, is answered, and follows it to its end by the events."""

import json
import os
import sys
import uuid

import pika

URL = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
ENDS = ("CONFIRMED", "REJECTED", "CANCELLED")


def ask(channel, routing_key, command):
    """Sends a command and waits for what it is answered. To ask again, send it with the same message_id."""
    replies = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_publish(
        "sanmon.commands",
        routing_key,
        json.dumps(command),
        pika.BasicProperties(
            content_type="application/json",
            message_id=str(uuid.uuid4()),
            reply_to=replies,
            delivery_mode=2,
        ),
        mandatory=True,
    )  # with confirms: from here on the broker keeps it
    _, _, body = next(channel.consume(replies, auto_ack=True))
    channel.cancel()
    return json.loads(body)


with pika.BlockingConnection(pika.URLParameters(URL)) as connection:
    channel = connection.channel()
    channel.confirm_delivery()

    # The queue for events is bound before the order is placed, and read once its id is known: nothing is missed.
    events = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(events, "sanmon.events", "orders.#")

    reply = ask(
        channel,
        "orders.place",
        {
            "customerId": "ada",
            "email": "ada@example.com",
            "currency": "JPY",
            "lines": [{"sku": "tea", "quantity": 1}],
            "paymentMethod": sys.argv[1] if len(sys.argv) > 1 else "pm_ok",
        },
    )
    if "failure" in reply:
        sys.exit(json.dumps(reply["failure"]))
    placed = reply["result"]
    print(placed["id"])

    # Events come at least once and, after a failure, perhaps late: judge each by what it says, not by its place.
    for method, _, body in channel.consume(events):
        channel.basic_ack(method.delivery_tag)
        order = json.loads(body)
        if order["id"] == placed["id"]:
            print(order["state"], order.get("reason", ""))
            if order["state"] in ENDS:
                break
