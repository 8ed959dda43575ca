from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from .models import Conversation, Message


@login_required
def start(request):
    if request.method != "POST":
        return render(request, "chat/start.html")
    conversation = Conversation.objects.create(title=request.POST["title"])
    others = get_user_model().objects.filter(username__in=request.POST["others"].split())
    conversation.participants.set([request.user, *others])
    return redirect("conversation", conversation.pk)


@login_required
def conversation_detail(request, conversation_id):
    conversation = get_object_or_404(Conversation, pk=conversation_id, participants=request.user)
    return render(request, "chat/conversation_detail.html", {"conversation": conversation})


@login_required
@require_POST
def send_message(request, conversation_id):
    conversation = get_object_or_404(Conversation, pk=conversation_id, participants=request.user)
    event = Message.objects.create(conversation=conversation, sender=request.user, body=request.POST["message"]).as_event()
    send = async_to_sync(get_channel_layer().group_send)
    send(f"chat_{conversation_id}", {"type": "chat.message", "event": event})
    return JsonResponse(event, status=201)
