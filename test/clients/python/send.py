import os

from carillon_client import AuthenticatedClient
from carillon_client.api.messages import messages_controller_read, messages_controller_send
from carillon_client.models import MessageTextDto, SendMessageDto, TargetDto

client = AuthenticatedClient(base_url=os.environ["CARILLON_URL"], token=os.environ["CARILLON_TOKEN"])
body = SendMessageDto(message=MessageTextDto(alert="Hello"), target=TargetDto(device_ids=["anna-phone"]))
sent = messages_controller_send.sync("com.example.app", client=client, body=body)
read = messages_controller_read.sync("com.example.app", sent.message_id, client=client)
print("read", read.message_id, read.audience)
