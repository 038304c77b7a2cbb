// How many rows each run of a scenario reads first.

// Milliseconds between two pages, in turn for a second each, so that some seconds read many times what others do.
const PAUSES = [500, 500, 10, 20, 500, 300, 10, 500, 50, 500, 10, 100, 500];

// APP DSN SCENARIO SECONDS
const [dsn, scenario, seconds] = process.argv.slice(2);

// One page of 100 rows, or pages of three until that many seconds have passed.
async function run(scenarios) {
  if (seconds === '0') await scenarios[scenario](100);
  const begin = Date.now();
  for (let passed = 0; passed < seconds; passed = (Date.now() - begin) / 1000) {
    const pause = PAUSES[Math.floor(passed) % PAUSES.length];
    await scenarios[scenario](3);
    await new Promise((wake) => setTimeout(wake, pause));
  }
}

module.exports = { dsn, run };
