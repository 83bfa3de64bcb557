#!/usr/bin/env bash
# Places an order over REST and follows it to its end over Server-Sent Events. Needs curl and jq.
set -euo pipefail
url=${SANMON_URL:-http://localhost:3000}
authorization="Authorization: Bearer ${SANMON_KEY:-}"

body=$(jq -n --arg method "${1:-pm_ok}" '{customerId: "ada", email: "ada@example.com", currency: "JPY",
  lines: [{sku: "tea", quantity: 1}], paymentMethod: $method}')

# The same key for every attempt: however often the request arrives, it is one order.
placed=$(curl -sS --fail-with-body --retry 5 --retry-connrefused "$url/v1/orders" -d "$body" \
  -H "$authorization" -H 'Content-Type: application/json' -H "Idempotency-Key: order-$$-$(date +%s%N)") || {
  echo "$placed" >&2
  exit 1
}
id=$(jq -r .id <<<"$placed")
echo "$id"

# A confirmed order can still be cancelled, so its stream stays open: who has seen enough hangs up.
exec 3< <(exec curl -sSfN "$url/v1/orders/$id/live" -H "$authorization")
stream=$!
trap 'kill "$stream" 2>/dev/null || :' EXIT
while IFS= read -r line <&3; do
  [[ $line == data:* ]] || continue
  read -r type state reason < <(jq -r '"\(.type) \(.order.state) \(.order.reason // "")"' <<<"${line#data:}")
  echo "$type"
  [[ $type =~ ^order-(confirmed|rejected|cancelled)$ ]] && echo "$state $reason" && exit 0
done
exit 1
