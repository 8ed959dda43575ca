from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from .models import Conversation, Message


class ChatConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.group = None
        self.conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        if not self.scope["user"].is_authenticated or not await self.is_participant():
            await self.close()
            return
        self.group = f"chat_{self.conversation_id}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content, **kwargs):
        event = await self.save_message(str(content["message"]))
        await self.channel_layer.group_send(self.group, {"type": "chat.message", "event": event})

    async def chat_message(self, message):
        await self.send_json(message["event"])

    @database_sync_to_async
    def is_participant(self):
        return Conversation.objects.filter(pk=self.conversation_id, participants=self.scope["user"]).exists()

    @database_sync_to_async
    def save_message(self, body):
        user = self.scope["user"]
        return Message.objects.create(conversation_id=self.conversation_id, sender=user, body=body).as_event()
