from urllib.parse import urlparse

from peewee import ForeignKeyField, Model, PostgresqlDatabase, TextField, prefetch

from pages import arguments

dsn, scenario, pages = arguments()
server = urlparse(dsn)
database = PostgresqlDatabase(
    server.path[1:], user=server.username, host=server.hostname, port=server.port
)


class Base(Model):
    class Meta:
        database = database


class Author(Base):
    name = TextField()

    class Meta:
        table_name = "authors"


class Book(Base):
    author = ForeignKeyField(Author, backref="books")
    title = TextField()

    class Meta:
        table_name = "books"


class Order(Base):
    status = TextField()

    class Meta:
        table_name = "orders"


class Item(Base):
    order = ForeignKeyField(Order, backref="items")
    book = ForeignKeyField(Book)

    class Meta:
        table_name = "items"


def lazy(size):
    for author in Author.select().order_by(Author.id).limit(size):
        len(author.books)


def nested(size):
    for order in Order.select().order_by(Order.id).limit(size):
        for item in order.items:
            len(item.book.title)


def eager(size):
    for author in prefetch(Author.select().order_by(Author.id).limit(size), Book):
        len(author.books)


for size in pages:
    globals()[scenario](size)
