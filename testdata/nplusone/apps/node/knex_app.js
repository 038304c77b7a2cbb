const { dsn, run } = require('./pages');
const knex = require('knex')({ client: 'pg', connection: dsn });

const scenarios = {
  async lazy(size) {
    for (const author of await knex('authors').orderBy('id').limit(size)) {
      await knex('books').where({ author_id: author.id });
    }
  },
  async nested(size) {
    for (const order of await knex('orders').orderBy('id').limit(size)) {
      for (const item of await knex('items').where({ order_id: order.id })) {
        await knex('books').where({ id: item.book_id }).first();
      }
    }
  },
  async eager(size) {
    const authors = await knex('authors').orderBy('id').limit(size);
    await knex('books').whereIn('author_id', authors.map((author) => author.id));
  },
};

run(scenarios).finally(() => knex.destroy());
