// The MCP Inspector's command line against a running gatehouse, and as a host that starts one, in the protocol of
// both eras.
//
// A script takes the browser's place: it signs in, approves, and follows the way back to the
// Inspector's own listener. Each era starts with an empty home, so that it has to register and sign in.
// As a host, it reads a list of servers that `gatehouse install` wrote.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const gateway = process.env.GATEHOUSE_URL;
const here = fileURLToPath(new URL('.', import.meta.url));
const launcher = join(here, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');
const signIn = join(here, '..', 'sign_in.py');

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

function proved(what) {
  console.log(`  ok: ${what}`);
}

// A home of its own, and a browser that needs no hands.
function prepare(home) {
  const browser = join(home, 'bin', 'xdg-open');
  mkdirSync(join(home, 'bin'));
  writeFileSync(browser, `#!/bin/sh\nexec python3 "${signIn}" "$1"\n`);
  chmodSync(browser, 0o755);
  return {
    ...process.env,
    HOME: home,
    PATH: join(home, 'bin') + delimiter + process.env.PATH,
    BROWSER: browser,
    DISPLAY: '',
    MCP_AUTO_OPEN_ENABLED: 'true',
    GATEHOUSE_OPENED: join(home, 'opened'),
  };
}

function inspect(environment, server, era, ...flags) {
  const target = ['--cli', ...server, '--protocol-era', era, '--format', 'json'];
  const done = spawnSync(process.execPath, [launcher, ...target, ...flags], {
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  check(done.status === 0, `${flags.join(' ')}: exit status ${done.status}\n${done.stdout}${done.stderr}`);
  const answer = JSON.parse(done.stdout);
  return answer.result ?? answer;
}

function opened(environment) {
  const file = environment.GATEHOUSE_OPENED;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

// The list of servers of a host, as it is after `gatehouse install`.
function install(home) {
  const list = join(home, 'mcp.json');
  const flags = ['install', 'cursor', '--file', list, '--config', process.env.GATEHOUSE_CONFIGURATION];
  const done = spawnSync(process.env.GATEHOUSE_BINARY, flags, { encoding: 'utf8' });
  check(done.status === 0, `gatehouse install: exit status ${done.status}\n${done.stderr}`);
  return ['--config', list, '--server', 'gatehouse'];
}

function inHome(use) {
  const home = mkdtempSync(join(tmpdir(), 'gatehouse-inspector-'));
  try {
    use(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function useEverything(ask) {
  const alerts = ask('--method', 'tools/call', '--tool-name', 'get_alerts', '--tool-arg', 'state=CA');
  check(alerts.content[0].text === 'No active alerts for CA.', `get_alerts says ${JSON.stringify(alerts)}`);
  const place = ['--tool-arg', 'latitude=40.7128', '--tool-arg', 'longitude=-74.006'];
  const forecast = ask('--method', 'tools/call', '--tool-name', 'get_forecast', ...place);
  check(forecast.content[0].text.includes('75°F — Sunny'), `get_forecast says ${JSON.stringify(forecast)}`);
  proved('tools/call get_alerts, get_forecast');

  const { contents } = ask('--method', 'resources/read', '--uri', 'config://app');
  check(contents[0].text.trim() !== '', 'config://app is empty');
  const prompt = ask('--method', 'prompts/get', '--prompt-name', 'emergency_summary', '--prompt-args', 'state=NY');
  check(prompt.messages.length > 0, `emergency_summary says ${JSON.stringify(prompt)}`);
  proved('resources/read, prompts/get');
}

function listTools(ask) {
  const { tools } = ask('--method', 'tools/list', '--strict');
  const names = tools.map((tool) => tool.name);
  check(names.includes('get_alerts') && names.includes('get_forecast'), `the tools are ${names}`);
  return names;
}

function walk(era) {
  console.log(`inspector ${era}:`);
  inHome((home) => {
    const environment = prepare(home);
    const ask = (...flags) => inspect(environment, [`${gateway}/mcp`, '--transport', 'http'], era, ...flags);
    const names = listTools(ask);
    const visits = opened(environment);
    check(visits.length === 1, `the browser was opened ${visits.length} times`);
    const asked = new URL(visits[0]).searchParams;
    check(asked.get('resource') === `${gateway}/mcp`, `the resource asked for is ${asked.get('resource')}`);
    check(asked.get('code_challenge_method') === 'S256', 'no PKCE');
    proved(`registered, signed in, tools/list (${names.length} tools, every schema portable)`);
    useEverything(ask);
  });
}

function host(era) {
  console.log(`inspector as a host, ${era}:`);
  inHome((home) => {
    const server = install(home);
    const ask = (...flags) => inspect({ ...process.env, HOME: home }, server, era, ...flags);
    const names = listTools(ask);
    check(names.includes('get_internal_metric'), `the tools are ${names}`);
    proved(`started, tools/list (${names.length} tools)`);
    useEverything(ask);
  });
}

walk('legacy');
walk('modern');
host('legacy');
host('modern');
