// How many rows each run of a scenario reads first.

// So that some seconds read many times what others do.
const SIZES = [2, 2, 20, 14, 2, 4, 18, 2, 9, 2, 20, 5, 2];

// APP DSN SCENARIO SECONDS
const [dsn, scenario, seconds] = process.argv.slice(2);

// One page of 100 rows, or pages until that many seconds have passed.
async function run(scenarios) {
  if (seconds === '0') await scenarios[scenario](100);
  const begin = Date.now();
  for (let passed = 0; passed < seconds; passed = (Date.now() - begin) / 1000) {
    await scenarios[scenario](SIZES[Math.floor(passed) % SIZES.length]);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

module.exports = { dsn, run };
