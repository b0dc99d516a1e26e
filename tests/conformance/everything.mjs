// A server that others wrote (npm: @modelcontextprotocol/server-everything), asked directly and through a gateway that
// has mounted it, authorization on: every list, every tool, every resource, every prompt, completion, subscriptions.
//
//   .tools/node tests/conformance/everything.mjs target/debug/examples/conformance
//
// What both answer must be the same, but for what a gateway is there to change, and what no two calls share.

import { spawn } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const here = fileURLToPath(new URL('.', import.meta.url));
const server = join(here, '../clients/node/node_modules/@modelcontextprotocol/server-everything/dist/index.js');

// Stateful: what the first caller of a session turns on, the second turns off.
const LAST = ['toggle-simulated-logging', 'toggle-subscriber-updates'];

// A subscription at the server is the gateway's own, one for all who listen: what the server logs about it is not told.
const SHARED = ['resources/subscribe', 'resources/unsubscribe'];

// How long is waited for what a server says beside its answers.
const BESIDE = 600;

const ANSWERS = {
  'sampling/createMessage': () => ({
    role: 'assistant', model: 'test', content: { type: 'text', text: 'an answer' }, stopReason: 'endTurn',
  }),
  'elicitation/create': () => ({ action: 'accept', content: { name: 'Ada', check: true } }),
  'roots/list': () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }),
  ping: () => ({}),
};

const CAPABILITIES = { sampling: { tools: {} }, elicitation: { form: {}, url: {} }, roots: {} };

let wrong = 0;
let compared = 0;

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

// Starts a process, and waits for the line that says where it is.
async function start(command, flags, stream, place) {
  const child = spawn(command, flags, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  for (const other of ['stdout', 'stderr']) if (other !== stream) child[other].resume();
  const lines = createInterface({ input: child[stream] });
  const found = await Promise.race([
    new Promise((resolve) => lines.on('line', (line) => place(line) && resolve(place(line)))),
    ended.then((code) => { throw new Error(`${command} ended with ${code}`); }),
  ]);
  return { found, stop: async () => { child.stdin.end(); child.kill(); await ended; } };
}

// A client of 2025-11-25 that changes nothing of what it reads.
class Client {
  constructor({ url, token }) {
    this.url = url;
    this.token = token;
    this.id = 0;
    this.told = [];
    this.abort = new AbortController();
  }

  headers() {
    return {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(this.session && { 'mcp-session-id': this.session, 'mcp-protocol-version': '2025-11-25' }),
    };
  }

  post(message) {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    return fetch(this.url, { method: 'POST', headers: this.headers(), body, signal: this.abort.signal });
  }

  async open() {
    const params = { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, clientInfo: { name: 'test', version: '1' } };
    const response = await this.post({ id: this.id++, method: 'initialize', params });
    this.session = response.headers.get('mcp-session-id');
    check(this.session, `no session: ${response.status}`);
    await response.text();
    await (await this.post({ method: 'notifications/initialized' })).text();
    // Tools that depend on what the client can do come once it is ready.
    await this.request('ping');
    this.listening = this.listen();
    await this.request('logging/setLevel', { level: 'debug' });
    return this;
  }

  async listen() {
    const { 'content-type': _, ...headers } = { ...this.headers(), accept: 'text/event-stream' };
    const response = await fetch(this.url, { headers, signal: this.abort.signal });
    await this.read(response, () => false).catch(() => {});
  }

  // Reads messages until one satisfies `isLast`.
  async read(response, isLast) {
    let text = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const data = text.slice(0, end).split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n');
        if (!data) continue;
        const message = JSON.parse(data);
        if (isLast(message)) return message;
        await this.hear(message);
      }
    }
    return undefined;
  }

  async hear(message) {
    if (message.method && message.id !== undefined) {
      this.told.push({ method: message.method, params: message.params });
      await (await this.post({ id: message.id, result: ANSWERS[message.method](message.params) })).text();
    } else {
      const { jsonrpc: _, ...told } = message;
      this.told.push(told);
    }
  }

  // The response to a request, with what was told before it; where the server tells more beside it, that as well.
  async request(method, params = {}, beside = 0) {
    const id = this.id++;
    this.told = [];
    const response = await this.post({ id, method, params });
    const is = response.headers.get('content-type') ?? '';
    const answer = is.includes('json') ? await response.json() : await this.read(response, (message) => message.id === id && !message.method);
    check(answer, `${method} was not answered: ${response.status}`);
    const { id: _, jsonrpc: __, ...rest } = answer;
    await sleep(beside);
    return SHARED.includes(method) ? rest : { ...rest, told: this.told };
  }

  close() {
    this.abort.abort();
  }
}

// What no two calls share.
function settled(value) {
  const text = JSON.stringify(value)
    .replace(/\b\d{1,2}:\d{2}:\d{2}( [AP]M)?\b/g, 'TIME')
    .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'TIME')
    .replace(/"(elicitationId|relatedRequestId|sessionId)":"[^"]*"/g, '"$1":"ID"')
    // Its simulated log has levels by chance.
    .replace(/"level":"\w+","data":"\w+[ -]level[ -]message/g, '"level":"ANY","data":"a message')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID');
  return JSON.parse(text);
}

// What the gateway may add: where an error finds its line in the log.
function bare({ error, ...rest }) {
  if (!error) return rest;
  const { logReference: _, ...data } = error.data ?? {};
  return { ...rest, error: { ...error, data: Object.keys(data).length ? data : undefined } };
}

function compare(what, direct, through) {
  compared += 1;
  // In the order of their members, too.
  const [one, other] = [direct, through].map((it) => JSON.stringify(settled(bare(it))));
  if (one === other) return;
  if (isDeepStrictEqual(JSON.parse(one), JSON.parse(other))) console.log(`  ${what}: in another order`);
  wrong += 1;
  console.log(`  ${what} differs:\n    direct:  ${one.slice(0, 1500)}\n    through: ${other.slice(0, 1500)}`);
}

// Arguments that fit a schema.
function fitting({ properties = {}, required = [] }) {
  const value = (name, { type, enum: choices, default: fallback, minimum }) => {
    if (choices) return choices[0];
    if (name === 'duration') return 0.4;
    if (name === 'steps') return 2;
    if (fallback !== undefined) return fallback;
    return { number: minimum ?? 1, integer: minimum ?? 1, boolean: true, object: {}, array: [] }[type] ?? 'words';
  };
  const wanted = Object.entries(properties).filter(([name]) => required.includes(name) || ['duration', 'steps'].includes(name));
  return Object.fromEntries(wanted.map(([name, schema]) => [name, value(name, schema)]));
}

async function compareAll(direct, through, own) {
  const both = async (what, method, params, beside) => {
    const answers = await Promise.all([direct, through].map((client) => client.request(method, params, beside)));
    compare(what, ...answers);
    return answers[0].result ?? {};
  };
  const lists = {};
  for (const [method, member, key] of [
    ['tools/list', 'tools', 'name'],
    ['resources/list', 'resources', 'uri'],
    ['resources/templates/list', 'resourceTemplates', 'uriTemplate'],
    ['prompts/list', 'prompts', 'name'],
  ]) {
    const one = (await direct.request(method)).result[member];
    const other = (await through.request(method)).result[member].filter((entry) => !own.has(entry[key]));
    compare(method, { result: one }, { result: other });
    lists[member] = one;
  }
  check(lists.tools.length > 10 && lists.prompts.length > 1, 'the server offers next to nothing');
  const tools = lists.tools.toSorted((a, b) => LAST.includes(a.name) - LAST.includes(b.name));
  // The server asks each new session for its roots, a moment after its beginning; through the gate, where the next call is.
  for (let call = 0; call < 2; call += 1) {
    for (const client of [direct, through]) await client.request('tools/call', { name: 'echo', arguments: { message: 'hello' } }, BESIDE);
  }
  for (const { name, inputSchema } of tools) {
    const params = { name, arguments: fitting(inputSchema), _meta: { progressToken: 'p' } };
    await both(`tools/call ${name}`, 'tools/call', params, LAST.includes(name) ? BESIDE : 0);
  }
  await both('tools/call without arguments', 'tools/call', { name: 'get-sum' });
  for (const { uri } of lists.resources) await both(`resources/read ${uri}`, 'resources/read', { uri });
  for (const { uriTemplate } of lists.resourceTemplates) {
    const uri = uriTemplate.replace(/\{[^}]+\}/g, '1');
    await both(`resources/read ${uri}`, 'resources/read', { uri });
  }
  await both('resources/read of nothing', 'resources/read', { uri: 'nothing://here' });
  for (const { name, arguments: wanted = [] } of lists.prompts) {
    const given = Object.fromEntries(wanted.map((argument) => [argument.name, '1']));
    await both(`prompts/get ${name}`, 'prompts/get', { name, arguments: given });
    for (const argument of wanted) {
      const params = { ref: { type: 'ref/prompt', name }, argument: { name: argument.name, value: 'a' } };
      await both(`completion of ${name}.${argument.name}`, 'completion/complete', params);
    }
  }
  for (const { uriTemplate } of lists.resourceTemplates) {
    const params = { ref: { type: 'ref/resource', uri: uriTemplate }, argument: { name: 'resourceId', value: '1' } };
    await both(`completion of ${uriTemplate}`, 'completion/complete', params);
  }
  await both('resources/subscribe', 'resources/subscribe', { uri: lists.resources[0].uri });
  await both('resources/unsubscribe', 'resources/unsubscribe', { uri: lists.resources[0].uri });
}

async function main([binary]) {
  const port = (line) => line.match(/^listening at (\d+)$/)?.[1];
  const flags = ['--import', join(here, 'loopback.mjs'), server, 'streamableHttp'];
  const upstream = await start(process.execPath, flags, 'stderr', port);
  const url = `http://127.0.0.1:${upstream.found}/mcp`;
  const place = (line) => line.startsWith('{"url"') && JSON.parse(line);
  const alone = await start(binary, ['mounted', 'nothing'], 'stdout', place);
  const gateway = await start(binary, ['mounted', url], 'stdout', place);
  const clients = [];
  try {
    const open = async (at) => { clients.push(await new Client(at).open()); return clients.at(-1); };
    const empty = await open(alone.found);
    const own = new Set();
    for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']) {
      const { result } = await empty.request(method);
      for (const entry of Object.values(result).flat()) own.add(entry.name).add(entry.uri).add(entry.uriTemplate);
    }
    own.delete(undefined);
    await compareAll(await open({ url }), await open(gateway.found), own);
  } finally {
    clients.forEach((client) => client.close());
    await Promise.all([upstream, alone, gateway].map(({ stop }) => stop()));
  }
  console.log(`  ${compared} answers compared, ${wrong} differ`);
  check(wrong === 0, 'the gateway changes what it must not');
}

await main(process.argv.slice(2));
