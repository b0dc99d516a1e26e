// The server scenarios of the MCP conformance suite against a real gateway, authorization on.
//
//   tests/conformance/run.sh [mounted | direct]
//
// All that a revision requires, and all that the suite has beyond that and that applies. A warning counts as a
// failure, and so does a check that is skipped without being named here.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const packaged = join(here, '../clients/node/node_modules/@modelcontextprotocol/conformance');
const suite = join(packaged, 'dist/index.js');
const yaml = createRequire(suite)('yaml');

const RUNS = [
  { revision: '2025-11-25', flags: ['--requirements', '2025-11-25'], required: 30 },
  { revision: '2026-07-28', flags: ['--requirements', '2026-07-28'], required: 37 },
  { revision: '2025-06-18', flags: ['--suite', 'all', '--spec-version', '2025-06-18'] },
];

// An extension that is not offered.
const NOT_OFFERED = /^sep-2640-skills-/;

// The suite skips this whatever the server does.
const SKIPPED = new Set(['tasks-status-notifications']);

const SUITE_SECONDS = 300;

// How many lines of what the suite said are shown where it ended early.
const LAST_WORDS = 40;

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

// Starts the gateway, and hands its address and a token to `use`.
async function withGateway(binary, mode, use) {
  const gateway = spawn(binary, mode ? [mode] : [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => gateway.on('close', resolve));
  try {
    const lines = createInterface({ input: gateway.stdout });
    const place = await Promise.race([new Promise((resolve) => lines.once('line', resolve)), ended]);
    check(typeof place === 'string', `the gateway ends with ${place} before it says where it is`);
    await use(JSON.parse(place));
  } finally {
    gateway.stdin.end();
    await ended;
  }
}

async function output(flags, environment = {}) {
  const child = spawn(process.execPath, flags, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: SUITE_SECONDS * 1000,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, text: child.signalCode ? `${text}\nended by ${child.signalCode}` : text };
}

// What the suite has: each scenario with the revisions, or `extension`, that it is for.
async function scenarios() {
  const { text } = await output([suite, 'list', '--server']);
  const found = [...text.matchAll(/^ {2}- (\S+) \[([^\]]+)\]/gm)];
  return new Map(found.map(([, name, revisions]) => [name, revisions.split(',')]));
}

// What a run must consist of: the scenarios that the revision requires, and the others.
function expected({ revision, required }, all) {
  if (!required) {
    const others = [...all].filter(([, revisions]) => revisions.includes(revision)).map(([name]) => name);
    return { required: [], others };
  }
  const contract = yaml.parse(readFileSync(join(packaged, `requirements/${revision}.yaml`), 'utf8'));
  check(contract.server.length === required, `${contract.server.length} scenarios are required, not ${required}`);
  const others = contract.not_scored.filter(({ leg }) => leg === 'server').map(({ scenario }) => scenario);
  return { required: contract.server, others };
}

async function run({ flags }, { url, token }, folder) {
  const preload = ['--import', join(here, 'token.mjs'), suite, 'server', '--url', url, '-o', folder];
  const environment = { GATEHOUSE_URL: url, GATEHOUSE_TOKEN: token, GATEHOUSE_SUITE: suite };
  return output([...preload, ...flags], environment);
}

// The checks of each scenario that was run to its end.
function results(folder) {
  const found = new Map();
  for (const name of readdirSync(folder)) {
    const scenario = name.match(/^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/)?.[1];
    check(scenario, `what is ${name}?`);
    const checks = join(folder, name, 'checks.json');
    if (existsSync(checks)) found.set(scenario, JSON.parse(readFileSync(checks, 'utf8')));
  }
  return found;
}

// What is wrong with a scenario's checks, a line each.
function faults(checks) {
  if (checks === undefined) return ['it has no result'];
  const told = ({ status, id, errorMessage }) => `${status} ${id}: ${errorMessage ?? 'no reason given'}`;
  const wrong = checks.filter(({ status, id }) =>
    status === 'SKIPPED' ? !SKIPPED.has(id) : status !== 'SUCCESS' && status !== 'INFO');
  if (!checks.some(({ status }) => status === 'SUCCESS' || status === 'SKIPPED')) return ['nothing was checked', ...wrong.map(told)];
  return wrong.map(told);
}

// Prints what came of one run; true when nothing is wrong.
function report(one, { required, others }, found, text) {
  const failed = new Map();
  for (const scenario of [...required, ...others]) {
    const wrong = faults(found.get(scenario));
    if (wrong.length > 0) failed.set(scenario, wrong);
  }
  const counted = (names) => `${names.filter((name) => !failed.has(name)).length}/${names.length}`;
  const passed = [...found.values()].flat().filter(({ status }) => status === 'SUCCESS').length;
  const parts = [...(required.length > 0 ? [`${counted(required)} required`] : []), `${counted(others)} others`];
  console.log(`  MCP ${one.revision}: ${parts.join(', ')} (${passed} checks passed)`);
  for (const [scenario, wrong] of failed) {
    for (const line of wrong) console.log(`    ${scenario}: ${line}`);
  }
  // The suite did not come to its end: only its own words say why.
  if ([...required, ...others].some((name) => !found.has(name))) console.log(text.split('\n').slice(-LAST_WORDS).join('\n'));
  return failed.size === 0;
}

// Nothing that follows would say that the token is asked for.
async function checkGate({ url }) {
  const { status } = await fetch(url, { method: 'POST', body: '{}' });
  check(status === 401, `without a token the gateway answers ${status}`);
}

async function main([binary, mode]) {
  const all = await scenarios();
  const left = new Set([...all.keys()].filter((name) => !NOT_OFFERED.test(name)));
  let whole = true;
  await withGateway(binary, mode, async (place) => {
    if (mode !== 'direct') await checkGate(place);
    for (const one of RUNS) {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
      try {
        const { text } = await run(one, place, folder);
        const found = results(folder);
        for (const name of found.keys()) left.delete(name);
        whole = report(one, expected(one, all), found, text) && whole;
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  });
  check(left.size === 0, `these scenarios were never run: ${[...left].join(', ')}`);
  check(whole, 'the suite is not satisfied');
}

await main(process.argv.slice(2));
