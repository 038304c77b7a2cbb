const { DataTypes, Sequelize } = require('sequelize');
const { dsn, run } = require('./pages');

const database = new Sequelize(dsn, { logging: false, define: { timestamps: false } });
const model = (name, tableName, columns) => database.define(name, columns, { tableName });
const Author = model('Author', 'authors', { name: DataTypes.TEXT });
const Book = model('Book', 'books', { title: DataTypes.TEXT });
const Order = model('Order', 'orders', { status: DataTypes.TEXT });
const Item = model('Item', 'items', { qty: DataTypes.INTEGER });
Author.hasMany(Book, { foreignKey: 'author_id', as: 'books' });
Order.hasMany(Item, { foreignKey: 'order_id', as: 'items' });
Item.belongsTo(Book, { foreignKey: 'book_id', as: 'book' });

const scenarios = {
  async lazy(size) {
    for (const author of await Author.findAll({ order: ['id'], limit: size })) {
      await author.getBooks();
    }
  },
  async nested(size) {
    for (const order of await Order.findAll({ order: ['id'], limit: size })) {
      for (const item of await order.getItems()) await item.getBook();
    }
  },
  async eager(size) {
    const include = { association: 'books', separate: true };
    await Author.findAll({ include, order: ['id'], limit: size });
  },
};

run(scenarios).finally(() => database.close());
