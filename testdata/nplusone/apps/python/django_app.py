from urllib.parse import urlparse

import django
from django.apps import AppConfig
from django.conf import settings

from pages import arguments

dsn, scenario, pages = arguments()
server = urlparse(dsn)


class Shop(AppConfig):
    name, label, path = "__main__", "shop", "."


settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": server.path[1:],
            "USER": server.username,
            "HOST": server.hostname,
            "PORT": server.port,
        }
    },
    INSTALLED_APPS=["__main__.Shop"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.db import models  # noqa: E402, after setup


class Author(models.Model):
    name = models.TextField()

    class Meta:
        db_table = "authors"


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
    title = models.TextField()

    class Meta:
        db_table = "books"


class Order(models.Model):
    status = models.TextField()

    class Meta:
        db_table = "orders"


class Item(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
    book = models.ForeignKey(Book, models.CASCADE)

    class Meta:
        db_table = "items"


def lazy(size):
    for author in Author.objects.order_by("id")[:size]:
        len(author.book_set.all())


def nested(size):
    for order in Order.objects.order_by("id")[:size]:
        for item in order.item_set.all():
            len(item.book.title)


def eager(size):
    for author in Author.objects.order_by("id").prefetch_related("book_set")[:size]:
        len(author.book_set.all())


for size in pages:
    globals()[scenario](size)
