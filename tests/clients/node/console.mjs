// The operators' console in headless Chromium: sign in, look around, change something, sign out.
//
// Walked wide and narrow, light and dark, and once without JavaScript. axe-core looks for breaches of
// WCAG 2.2 AA on every page; pictures of all of them go to the folder that GATEHOUSE_PICTURES names.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const gateway = process.env.GATEHOUSE_URL;
const console_ = `${process.env.GATEHOUSE_ADMIN_URL}/console`;
const pictures = process.env.GATEHOUSE_PICTURES;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

const wide = { width: 1280, height: 800 };
const narrow = { width: 360, height: 740 };
const walks = [
  { name: 'wide-light', viewport: wide, colorScheme: 'light' },
  { name: 'wide-dark', viewport: wide, colorScheme: 'dark' },
  { name: 'narrow-light', viewport: narrow, colorScheme: 'light' },
  { name: 'narrow-dark', viewport: narrow, colorScheme: 'dark' },
  { name: 'no-javascript', viewport: wide, colorScheme: 'light', javaScriptEnabled: false },
];

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

function command(...args) {
  const binary = process.env.GATEHOUSE_BINARY;
  return execFileSync(binary, ['--config', process.env.GATEHOUSE_CONFIGURATION, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

async function api(token, method, path, body) {
  const answer = await fetch(`${process.env.GATEHOUSE_ADMIN_URL}/admin/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  check(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}

// What a client that acts for itself may do.
async function accessToken({ client, secret }) {
  const answer = await fetch(`${gateway}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${client.id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${gateway}/mcp` }),
  });
  const tokens = await answer.json();
  check(answer.ok, `POST /token: ${answer.status} ${JSON.stringify(tokens)}`);
  return tokens.access_token;
}

// Calls that the picture of the last minutes shows; a scope that the token lacks makes a refusal.
async function call(token, method, params) {
  return fetch(`${gateway}/mcp`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
}

// One browser profile, walked through the console.
class Walk {
  constructor(page, options) {
    Object.assign(this, { page, options, seen: 0 });
    page.setDefaultTimeout(15_000);
  }

  // Looks at the page as a person and as a checker would.
  async look(title) {
    const { page, options } = this;
    this.seen += 1;
    const file = `console-${options.name}-${this.seen}-${title}.png`;
    await page.screenshot({ path: join(pictures, file), fullPage: true });
    check((await page.title()).endsWith('Gatehouse console'), `${title}: the page has no title`);
    if (options.javaScriptEnabled === false) return;
    const excess = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    check(excess <= 0, `${options.name} ${title}: ${excess}px too wide`);
    await page.evaluate(axe);
    const found = await page.evaluate((values) => axe.run({ runOnly: { type: 'tag', values } }), rules);
    const breaches = found.violations.map(
      ({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map((node) => node.html).join('\n    ')}`,
    );
    check(breaches.length === 0, `${options.name} ${title}: ${breaches.join('\n  ')}`);
    check(found.passes.length > 0, `${options.name} ${title}: axe-core checked nothing`);
  }

  async signIn(token) {
    await this.page.fill('input[name="token"]', token);
    await this.page.click('main button[type="submit"]');
    await this.page.waitForLoadState();
  }

  // Opens the action of that name in the row, and confirms it.
  async act(row, name) {
    const line = this.page.locator('tr', { hasText: row });
    await line.locator('summary', { hasText: name }).click();
    await line.locator(`details[open] button`, { hasText: name }).click();
    await this.page.waitForLoadState();
  }
}

async function walkThrough(browser, options, token) {
  const { viewport, colorScheme, javaScriptEnabled } = options;
  const context = await browser.newContext({ viewport, colorScheme, javaScriptEnabled });
  try {
    const page = await context.newPage();
    const walk = new Walk(page, options);
    await page.goto(console_);
    check(page.url().endsWith('/console/sign-in'), `not signed in, and at ${page.url()}`);
    await walk.look('sign-in');
    await walk.signIn('gatehouse_op_not-this-one');
    check((await page.locator('[role="alert"]').count()) > 0, 'a wrong token is not told');
    await walk.look('wrong-token');
    await walk.signIn(token);
    check(page.url() === console_, `signed in, and at ${page.url()}`);
    const [cookie] = (await context.cookies()).filter((one) => one.name.includes('session'));
    check(cookie.httpOnly && cookie.sameSite === 'Strict', `the cookie is ${JSON.stringify(cookie)}`);
    await walk.look('tenants');
    await page.click('text=Refresh every 5 seconds');
    await walk.look('tenants-live');
    await page.click('th a:has-text("default")');
    check((await page.locator('svg.spark').count()) === 1, 'there is no picture');
    await walk.look('tenant');
    for (const part of ['Users', 'Clients', 'Grants', 'Keys', 'Refusals', 'Audit log']) {
      await page.click(`nav.tabs a:has-text("${part}")`);
      await walk.look(part.toLowerCase().replace(' ', '-'));
    }
    await page.click('nav.tabs a:has-text("Refusals")');
    const refusal = page.locator('tr', { hasText: 'access.scope_refused' }).first();
    const told = await refusal.innerText();
    for (const words of ['get_internal_metric', 'metrics:read', 'Nightly report']) {
      check(told.includes(words), `the refusal does not say ${words}: ${told}`);
    }
    await page.click('nav.tabs a:has-text("Users")');
    await walk.act('bob', 'Disable');
    check((await page.locator('tr:has-text("bob") .disabled').count()) === 1, 'bob is not disabled');
    await walk.look('disabled');
    await walk.act('bob', 'Enable');
    check((await page.locator('.disabled').count()) === 0, 'bob is still disabled');

    await page.goto(`${console_}/tenants/acme`);
    const server = page.locator('tr', { hasText: 'https://docs.example.com/mcp' });
    check((await server.innerText()).includes('not asked in the last hour'), 'the server is not shown');
    await walk.look('mounted-servers');
    await page.goto(`${console_}/tenants/nobody`);
    await walk.look('not-found');
    await page.click('text=Sign out');
    await page.goto(console_);
    check(page.url().endsWith('/console/sign-in'), 'still signed in');
    console.log(`  ok: ${options.name}`);
  } finally {
    await context.close();
  }
}

// H06: another site can neither use the session nor have a form of its own followed.
async function forge(browser, token) {
  const context = await browser.newContext();
  let body = '';
  const stranger = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html').end(body);
  });
  await new Promise((ready) => stranger.listen(0, '127.0.0.1', ready));
  try {
    const page = await context.newPage();
    await page.goto(console_);
    await new Walk(page, { name: 'forgery' }).signIn(token);
    await page.click('th a:has-text("default")');
    await page.click('nav.tabs a:has-text("Users")');
    const id = await page.locator('tr:has-text("bob") input[name="id"]').first().getAttribute('value');
    const target = `${console_}/tenants/default/do`;
    body = `<form method="post" action="${target}"><input name="do" value="disable">
      <input name="id" value="${id}"><button>Win a prize</button></form>`;
    // The same host under its other name: another site to the browser.
    await page.goto(`http://localhost:${stranger.address().port}/`);
    await page.click('button');
    await page.waitForLoadState();
    await page.goto(`${console_}/tenants/default/users`);
    check((await page.locator('tr:has-text("bob")').count()) === 1, 'the session is gone');
    check((await page.locator('.disabled').count()) === 0, 'a form of another site was followed');
    // Within the site, without the form's own token.
    const answer = await page.request.post(target, { form: { do: 'disable', id, form_token: 'guess' } });
    check(answer.status() === 403, `a form without its token is answered with ${answer.status()}`);
    // The cookie opens nothing of the API.
    const read = await page.request.get(`${process.env.GATEHOUSE_ADMIN_URL}/admin/v1/tenants`);
    check(read.status() === 401, `the cookie is answered with ${read.status()} by the API`);
    console.log('  ok: forged forms change nothing');
  } finally {
    stranger.close();
    await context.close();
  }
}

async function main() {
  mkdirSync(pictures, { recursive: true });
  const token = command('operator', 'add', 'walker', '--role', 'admin');
  const password = 'correct horse battery staple';
  await api(token, 'POST', '/tenants/default/users', { username: 'bob', roles: ['member'], password });
  const settings = { servers: [{ name: 'docs', url: 'https://docs.example.com/mcp' }] };
  await api(token, 'POST', '/tenants', { slug: 'acme', public_url: `${gateway}/t/acme`, settings });
  const client = { name: 'Nightly report', scopes: ['mcp:tools'] };
  const access = await accessToken(await api(token, 'POST', '/tenants/default/clients', client));
  for (let turn = 0; turn < 12; turn += 1) await call(access, 'tools/list');
  const refused = await call(access, 'tools/call', {
    name: 'get_internal_metric',
    arguments: { metric_name: 'requests' },
  });
  check(refused.status === 403, `a call without its scope is answered with ${refused.status}`);
  const root = process.getuid() === 0;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: !root,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-component-update', '--disable-sync'],
  });
  console.log(`Chromium ${browser.version()}:`);
  try {
    for (const options of walks) await walkThrough(browser, options, token);
    await forge(browser, token);
  } finally {
    await browser.close();
  }
}

await main();
