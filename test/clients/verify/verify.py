import json
import os
import pathlib

from standardwebhooks import Webhook, WebhookVerificationError

folder = pathlib.Path(os.environ["CARILLON_DELIVERY"])
headers = json.loads((folder / "headers.json").read_text())
body = (folder / "body").read_bytes()

webhook = Webhook(os.environ["CARILLON_WEBHOOK_SECRET"])
event = webhook.verify(body, headers)
try:
    webhook.verify(body + b" ", headers)
    raise SystemExit("an altered body was verified")
except WebhookVerificationError:
    print("verified", event["id"])
