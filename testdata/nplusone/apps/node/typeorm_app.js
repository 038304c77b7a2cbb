const { DataSource, EntitySchema } = require('typeorm');
const { dsn, run } = require('./pages');

const id = { type: Number, primary: true, generated: true };
const text = { type: String };
const many = (target, inverseSide) => ({ type: 'one-to-many', target, inverseSide, lazy: true });
const one = (target, name, inverseSide) => ({
  type: 'many-to-one', target, joinColumn: { name }, inverseSide, lazy: true,
});
const entity = (name, tableName, columns, relations) =>
  new EntitySchema({ name, tableName, columns: { id, ...columns }, relations });
const entities = [
  entity('Author', 'authors', { name: text }, { books: many('Book', 'author') }),
  entity('Book', 'books', { title: text }, { author: one('Author', 'author_id', 'books') }),
  entity('Order', 'orders', { status: text }, { items: many('Item', 'order') }),
  entity('Item', 'items', {}, {
    order: one('Order', 'order_id', 'items'),
    book: one('Book', 'book_id'),
  }),
];
const database = new DataSource({ type: 'postgres', url: dsn, entities });
const page = (take) => ({ order: { id: 'ASC' }, take });

const scenarios = {
  async lazy(size) {
    for (const author of await database.getRepository('Author').find(page(size))) {
      await author.books;
    }
  },
  async nested(size) {
    for (const order of await database.getRepository('Order').find(page(size))) {
      for (const item of await order.items) await item.book;
    }
  },
  async eager(size) {
    const relations = { books: true };
    const together = { relations, relationLoadStrategy: 'query' };
    await database.getRepository('Author').find({ ...page(size), ...together });
  },
};

database.initialize().then(() => run(scenarios)).finally(() => database.destroy());
