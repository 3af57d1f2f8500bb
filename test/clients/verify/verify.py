import json
import os
import pathlib

from standardwebhooks import Webhook, WebhookVerificationError

secret = os.environ["CARILLON_WEBHOOK_SECRET"]
places = list(pathlib.Path(os.environ["CARILLON_EVENTS"]).iterdir())

for place in places:
    headers = json.loads((place / "headers.json").read_text())
    body = (place / "body").read_bytes()
    event = Webhook(secret).verify(body, headers)
    if event["type"] != place.name:
        raise SystemExit(f"{place.name}: read {event['type']}")
    try:
        Webhook(secret).verify(body + b" ", headers)
        raise SystemExit("an altered body was verified")
    except WebhookVerificationError:
        pass
print("verified", len(places))
