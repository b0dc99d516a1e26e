// The authorization-server scenarios of the MCP conformance suite, without anyone at a browser.
//
// The suite prints the address of an authorization request and waits at a callback of its own; a
// script signs in there, approves, and follows the way back. Warnings count as failures.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const issuer = process.env.GATEHOUSE_URL;
const here = fileURLToPath(new URL('.', import.meta.url));
const suite = join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const signIn = join(here, '..', 'sign_in.py');
// The metadata endpoint and the authorization code grant.
const SCENARIOS = 2;

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function register(redirectUri) {
  const answer = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Conformance suite',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    }),
  });
  const body = await answer.text();
  check(answer.status === 201, `registration: ${answer.status} ${body}`);
  return JSON.parse(body).client_id;
}

// Runs the suite, and opens what it asks to be opened.
async function run(client, port, folder) {
  const flags = ['authorization', '--url', issuer, '--client-id', client, '--resource', `${issuer}/mcp`];
  const child = spawn(process.execPath, [suite, ...flags, '-p', String(port), '-o', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  let output = '';
  let opened = false;
  const read = (data) => {
    output += data;
    const request = output.match(/http:\/\/127\.0\.0\.1:\d+\S*\/authorize\?\S+(?=\s)/);
    if (!request || opened) return;
    opened = true;
    spawn('python3', [signIn, request[0]], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const status = await new Promise((resolve) => child.on('close', resolve));
  check(status === 0, `the suite's exit status: ${status}\n${output}`);
  return output;
}

function results(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('checks.json'));
  return files.map((name) => ({ name, checks: JSON.parse(readFileSync(join(folder, name), 'utf8')) }));
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
try {
  const port = await freePort();
  const client = await register(`http://127.0.0.1:${port}/callback`);
  const output = await run(client, port, folder);
  const scenarios = results(folder);
  check(scenarios.length === SCENARIOS, `${scenarios.length} scenarios instead of ${SCENARIOS}\n${output}`);
  const checks = scenarios.flatMap(({ checks }) => checks);
  const failed = checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO');
  check(failed.length === 0 && checks.length > 0, JSON.stringify(failed, null, 2));
  for (const { id } of checks) console.log(`  ok: ${id}`);
  console.log(`  ${checks.length}/${checks.length} checks in ${SCENARIOS}/${SCENARIOS} scenarios at ${issuer}`);
} finally {
  rmSync(folder, { recursive: true });
}
