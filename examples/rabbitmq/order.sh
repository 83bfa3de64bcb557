#!/usr/bin/env bash
# Places an order over RabbitMQ, is answered, and follows it to its end by the events. Needs jq and amqp-tools.
set -euo pipefail
url=${RABBITMQ_URL:-amqp://guest:guest@127.0.0.1:5672}

body=$(jq -n --arg method "${1:-pm_ok}" '{customerId: "ada", email: "ada@example.com", currency: "JPY",
  lines: [{sku: "tea", quantity: 1}], paymentMethod: $method}')

# amqp-consume first says which queue the broker gave it, or what is wrong.
queue_from() {
  read -r said <&"$1"
  [[ $said == 'Server provided queue name:'* ]] || { echo "$said" >&2 && exit 1; }
  echo "${said##* }"
}

# One queue for the events and one for the reply, each gone with its connection.
exec 3< <(exec amqp-consume -u "$url" -e sanmon.events -r 'orders.#' -- jq -r '"\(.id) \(.state) \(.reason // "")"' 2>&1)
consumer=$!
trap 'kill "$consumer" 2>/dev/null || :' EXIT
exec 4< <(exec amqp-consume -u "$url" -x -c 1 -- jq -c . 2>&1)
events=$(queue_from 3)
replies=$(queue_from 4)

# The queue is bound once something arrives through it: from here on no event is missed.
amqp-publish -u "$url" -r "$events" -b '{}'
read -r _ <&3

# amqp-publish sets no message-id, so the key is a header: whoever asks again with it gets the same order.
amqp-publish -u "$url" -e sanmon.commands -r orders.place -t "$replies" -C application/json -p \
  -H "idempotency-key: order-$$-$(date +%s%N)" -b "$body"
read -r reply <&4
id=$(jq -er .result.id <<<"$reply") || {
  echo "$reply" >&2
  exit 1
}
echo "$id"

# Events come at least once and, after a failure, perhaps late: judge each by what it says, not by its place.
while read -r order state reason <&3; do
  [[ $order == "$id" ]] || continue
  echo "$state $reason"
  [[ $state =~ ^(CONFIRMED|REJECTED|CANCELLED)$ ]] && exit 0
done
exit 1
