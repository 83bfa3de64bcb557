#!/usr/bin/env bash
# Places an order over gRPC and follows it to its end with WatchOrder. Needs jq and buf; the server's reflection tells the schema.
set -euo pipefail
service=http://${SANMON_GRPC:-localhost:50051}/sanmon.orders.v1.OrdersService
call=(npx buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer ${SANMON_KEY:-}")

body=$(jq -n --arg method "${1:-pm_ok}" '{customerId: "ada", email: "ada@example.com", currency: "JPY",
  lines: [{sku: "tea", quantity: 1}], paymentMethod: $method}')

# Whoever asks again with the same key gets the same order.
placed=$("${call[@]}" -H "idempotency-key: order-$$-$(date +%s%N)" -d "$body" "$service/PlaceOrder")
id=$(jq -r .id <<<"$placed")
echo "$id"

# A confirmed order can still be cancelled, so its stream stays open: who has seen enough hangs up.
set -m # the stream is a process group of its own, to be ended as a whole
coproc updates {
  "${call[@]}" -d "{\"id\": \"$id\"}" "$service/WatchOrder" |
    jq --unbuffered -r '"\(.type) \(.order.state) \(.order.reason // "")"'
}
stream=$!
trap 'kill -KILL -- "-$stream" 2>/dev/null || :' EXIT
while read -r type state reason <&"${updates[0]}"; do
  echo "$type"
  [[ $type =~ ^order-(confirmed|rejected|cancelled)$ ]] && echo "$state $reason" && exit 0
done
exit 1
