from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from pages import arguments


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship()


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    title: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    items: Mapped[list["Item"]] = relationship()


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))
    book: Mapped[Book] = relationship()


def lazy(session, size):
    for author in session.scalars(select(Author).order_by(Author.id).limit(size)).all():
        len(author.books)


def nested(session, size):
    for order in session.scalars(select(Order).order_by(Order.id).limit(size)).all():
        for item in order.items:
            len(item.book.title)


def eager(session, size):
    authors = select(Author).options(selectinload(Author.books)).order_by(Author.id)
    for author in session.scalars(authors.limit(size)).all():
        len(author.books)


dsn, scenario, pages = arguments()
engine = create_engine(dsn.replace("postgresql:", "postgresql+psycopg2:"))
for size in pages:
    with Session(engine) as session:
        globals()[scenario](session, size)
