from django.urls import include, path

from chat import views

urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path("chat/", views.start),
    path("chat/<int:conversation_id>/", views.conversation_detail, name="conversation"),
    path("chat/<int:conversation_id>/send/", views.send_message),
]
