// People sign in at a real OpenID provider (npm oidc-provider), in headless Chromium, through two
// replicas of the gateway on one database.
//
// A relay stands where the public address is and hands the browser from one replica to the other in
// the middle of each sign-in. Pictures of the pages go to the folder that GATEHOUSE_PICTURES names.

import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as forward } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Provider from 'oidc-provider';
import { chromium } from 'playwright-core';

const binary = process.env.GATEHOUSE_BINARY;
const pictures = process.env.GATEHOUSE_PICTURES;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const secret = randomBytes(24).toString('base64url');

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

async function until(what, holds, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    check(Date.now() < deadline, `waited ${seconds} s in vain: ${what}`);
    await pause(250);
  }
}

function listen(server) {
  return new Promise((ready) => {
    server.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${server.address().port}`));
  });
}

// What the provider stores, so that it can go on with other keys.
const stored = new Map();

class Storage {
  constructor(kind) {
    this.kind = kind;
  }

  key(id) {
    return `${this.kind}/${id}`;
  }

  async upsert(id, payload) {
    stored.set(this.key(id), payload);
  }

  async find(id) {
    return stored.get(this.key(id));
  }

  async findByUid(uid) {
    return [...stored.values()].find((payload) => payload.kind === this.kind && payload.uid === uid);
  }

  async consume(id) {
    stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    stored.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key);
  }
}

// The company's identity provider, with its people, groups and keys.
class Company {
  async open(gateway) {
    this.people = { alice: ['weather-admins', 'staff'], bob: ['strangers'] };
    this.server = createServer((request, response) => this.answer(request, response));
    this.url = await listen(this.server);
    this.gateway = gateway;
    this.rotateKeys();
    return this;
  }

  rotateKeys() {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' };
    key.kid = createHash('sha256').update(key.n).digest('base64url').slice(0, 16);
    this.provider = new Provider(this.url, {
      clients: [
        {
          client_id: 'gatehouse',
          client_secret: secret,
          redirect_uris: [`${this.gateway}/login/callback`],
          grant_types: ['authorization_code', 'refresh_token'],
          backchannel_logout_uri: `${this.gateway}/login/backchannel-logout`,
          backchannel_logout_session_required: true,
        },
      ],
      adapter: Storage,
      jwks: { keys: [key] },
      cookies: { keys: [secret] },
      claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
      interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (context, id) => this.account(id),
      issueRefreshToken: async (context, client) => client.grantTypeAllowed('refresh_token'),
      loadExistingGrant: (context) => this.grant(context),
      fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    });
    this.provider.on('server_error', (context, error) => console.error(error));
  }

  account(id) {
    const groups = this.people[id];
    if (!groups) return undefined;
    const claims = {
      sub: id,
      name: `${id[0].toUpperCase()}${id.slice(1)} Example`,
      preferred_username: id,
      email: `${id}@corp.example.com`,
      email_verified: true,
      groups,
    };
    return { accountId: id, claims: () => claims };
  }

  async grant(context) {
    const { session, client } = context.oidc;
    const grant = new context.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope('openid profile email groups offline_access');
    await grant.save();
    return grant;
  }

  async answer(request, response) {
    if (!request.url.startsWith('/interaction/')) return this.provider.callback()(request, response);
    if (request.method === 'GET') {
      response.setHeader('Content-Type', 'text/html');
      return response.end(
        '<!doctype html><html lang="en"><title>Corp</title><h1>Sign in to Corp</h1><form method="post">' +
          '<label>Name <input name="login"></label> <button>Sign in</button></form>',
      );
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const accountId = new URLSearchParams(Buffer.concat(chunks).toString()).get('login');
    return this.provider.interactionFinished(request, response, { login: { accountId } });
  }
}

// One public address in front of several replicas; `turn` says which of them answers.
class Relay {
  async open() {
    this.turn = 0;
    this.replicas = [];
    this.server = createServer((request, response) => {
      const { port } = new URL(this.replicas[this.turn % this.replicas.length]);
      const { method, url: path, headers } = request;
      const onward = forward({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    });
    this.url = await listen(this.server);
    return this;
  }
}

class Replica {
  async start(configuration) {
    this.process = spawn(binary, ['serve', '--config', configuration], {
      env: { ...process.env, IDP_SECRET: secret },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.log = '';
    this.process.stderr.on('data', (text) => {
      this.log += text;
    });
    const said = await until('a replica listens', () => {
      check(this.process.exitCode === null, `a replica ended:\n${this.log}`);
      return /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(this.log);
    });
    return said[1];
  }
}

function configuration(folder, publicUrl, company) {
  const given = readFileSync(process.env.GATEHOUSE_CONFIGURATION, 'utf8');
  const rest = given.slice(given.indexOf('[database]'));
  const path = join(folder, 'federation.toml');
  writeFileSync(
    path,
    `[server]\nlisten = "127.0.0.1:0"\nadmin_listen = ""\npublic_url = "${publicUrl}"\n\n${rest}
[[tenants]]
slug = "default"
[tenants.branding]
name = "Acme Weather"
[tenants.sign_in]
kind = "oidc"
local_accounts = true
support_contact = "help@corp.example.com"
[[tenants.sign_in.providers]]
name = "corp"
title = "Corp"
issuer = "${company}"
client_id = "gatehouse"
client_secret = { env = "IDP_SECRET" }
domains = ["corp.example.com"]
roles = { weather-admins = "admin", staff = "member" }
[[tenants.sign_in.providers]]
name = "partner"
title = "Partner"
issuer = "http://127.0.0.1:9"
client_id = "gatehouse"
roles = { staff = "member" }
`,
  );
  return path;
}

// A client with its user's browser.
class Client {
  async open(gateway) {
    this.gateway = gateway;
    this.arrivals = [];
    this.server = createServer((request, response) => {
      const address = new URL(request.url, this.uri);
      if (address.pathname === '/callback') this.arrivals.push(Object.fromEntries(address.searchParams));
      response.setHeader('Content-Type', 'text/plain').end('You may close this window.');
    });
    this.uri = `${await listen(this.server)}/callback`;
    const answer = await fetch(`${gateway}/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Weather assistant',
        redirect_uris: [this.uri],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      }),
    });
    this.id = (await answer.json()).client_id;
    return this;
  }

  authorization(more = {}) {
    this.verifier = randomBytes(32).toString('base64url');
    const url = new URL(`${this.gateway}/authorize`);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.id,
      redirect_uri: this.uri,
      scope: 'mcp:tools metrics:read',
      state: 'a state',
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    return url.href;
  }

  async token(fields) {
    const body = new URLSearchParams({ client_id: this.id, ...fields });
    const answer = await fetch(`${this.gateway}/token`, { method: 'POST', body });
    return { status: answer.status, ...(await answer.json()) };
  }

  async redeem() {
    const { code } = this.arrivals.pop();
    const token = await this.token({
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.uri,
      code_verifier: this.verifier,
    });
    check(token.status === 200, `POST /token: ${JSON.stringify(token)}`);
    return token;
  }

  refresh(token) {
    return this.token({ grant_type: 'refresh_token', refresh_token: token.refresh_token });
  }
}

async function look(page, name) {
  await page.screenshot({ path: join(pictures, `federation-${name}.png`), fullPage: true });
  await page.evaluate(axe);
  const found = await page.evaluate((values) => axe.run({ runOnly: { type: 'tag', values } }), rules);
  const breaches = found.violations.map(({ id, help, nodes }) => `${id}: ${help} ${nodes.map((node) => node.html)}`);
  check(breaches.length === 0, `${name}: ${breaches.join('\n  ')}`);
}

async function signInAtCompany(page, name) {
  await page.waitForURL('**/interaction/*');
  await page.fill('input[name="login"]', name);
  await page.click('button');
}

async function main() {
  mkdirSync(pictures, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-federation-'));
  const relay = await new Relay().open();
  const company = await new Company().open(relay.url);
  const file = configuration(folder, relay.url, company.url);
  const replicas = [new Replica(), new Replica()];
  let browser;
  try {
    for (const replica of replicas) relay.replicas.push(await replica.start(file));
    const client = await new Client().open(relay.url);
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      chromiumSandbox: process.getuid() !== 0,
      args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-component-update', '--disable-sync'],
    });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);

    // Consent and choice come first; the way back ends at the other replica.
    await page.goto(client.authorization());
    await look(page, '1-approval');
    check((await context.cookies()).every(({ name }) => !name.endsWith('-provider')), 'a state before consent');
    await page.fill('input[name="address"]', 'alice@elsewhere.example.com');
    await page.click('button[value="address"]');
    await page.waitForSelector('[role="alert"]');
    await look(page, '2-unknown-address');
    await page.fill('input[name="address"]', 'alice@corp.example.com');
    await page.click('button[value="address"]');
    await page.waitForURL('**/interaction/*');
    relay.turn += 1;
    await signInAtCompany(page, 'alice');
    await page.waitForURL('**/callback?code=*');
    let token = await client.redeem();
    check(token.scope === 'mcp:tools metrics:read', `scope: ${token.scope}`);
    console.log('  ok: consent, e-mail domain, sign-in at the provider; begun at one replica, finished at the other');

    await page.goto(`${relay.url}/account`);
    check((await page.textContent('body')).includes('corp/alice'), 'the account page does not say who is signed in');
    await look(page, '3-account');

    company.people.alice = ['staff'];
    token = await client.refresh(token);
    check(token.status === 200 && token.scope === 'mcp:tools', `left a group: ${JSON.stringify(token)}`);
    company.people.alice = ['weather-admins'];
    token = await client.refresh(token);
    check(token.scope === 'mcp:tools metrics:read', `came back: ${JSON.stringify(token)}`);
    console.log('  ok: groups count from the next refresh on');

    company.rotateKeys();
    token = await until(
      'the new keys are known',
      async () => {
        const next = await client.refresh(token);
        check(next.status === 200 || next.status === 503, `rotated keys: ${JSON.stringify(next)}`);
        return next.status === 200 && next;
      },
      45,
    );
    console.log('  ok: the provider rotated its keys');

    // The provider is told; it tells the gateway.
    await page.goto(`${company.url}/session/end`);
    await page.click('button[type="submit"], button[value="yes"]');
    await until('the session has ended', async () => {
      await page.goto(`${relay.url}/account`);
      return (await page.locator('button[name="provider"]').count()) > 0;
    });
    await look(page, '4-account-sign-in');
    console.log('  ok: back-channel logout');

    // A person without a role reads whom to ask.
    await page.click('button[name="provider"][value="corp"]');
    await signInAtCompany(page, 'bob');
    await page.waitForURL('**/login/callback?*');
    check((await page.textContent('body')).includes('help@corp.example.com'), 'the page does not say whom to ask');
    await look(page, '5-no-role');

    const begun = Date.now();
    await page.goto(client.authorization({ prompt: 'login' }));
    await page.click('button[name="provider"][value="partner"]');
    await page.waitForLoadState();
    check((await page.textContent('body')).includes('Partner does not answer'), 'the page does not say who is away');
    check(Date.now() - begun < 10_000, 'a provider that is away costs too much time');
    await look(page, '6-provider-away');
    console.log('  ok: no role, and a provider that is away, told on pages');

    delete company.people.alice;
    const refused = await client.refresh(token);
    check(refused.status === 400 && refused.error === 'invalid_grant', `disabled: ${JSON.stringify(refused)}`);
    console.log('  ok: a person who is gone at the provider is refused at the next refresh');
  } catch (error) {
    for (const replica of replicas) console.error(replica.log?.split('\n').slice(-30).join('\n'));
    throw error;
  } finally {
    await browser?.close();
    for (const replica of replicas) replica.process?.kill();
    rmSync(folder, { recursive: true });
  }
}

await main();
process.exit(0);
