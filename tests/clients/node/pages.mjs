// The pages a person sees, in headless Chromium: sign in, consent, refusals.
//
// Walked wide and narrow, light and dark, and once without JavaScript. axe-core looks for breaches of
// WCAG 2.2 AA on every page; pictures of all of them go to the folder that GATEHOUSE_PICTURES names.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const gateway = process.env.GATEHOUSE_URL;
const username = process.env.GATEHOUSE_USERNAME;
const password = process.env.GATEHOUSE_PASSWORD;
const pictures = process.env.GATEHOUSE_PICTURES;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

const wide = { width: 1280, height: 800 };
const narrow = { width: 360, height: 740 };
const walks = [
  { name: 'wide-light', viewport: wide, colorScheme: 'light', mistypes: true },
  { name: 'wide-dark', viewport: wide, colorScheme: 'dark' },
  { name: 'narrow-light', viewport: narrow, colorScheme: 'light' },
  { name: 'narrow-dark', viewport: narrow, colorScheme: 'dark', mistypes: true },
  { name: 'wide-no-javascript', viewport: wide, colorScheme: 'light', javaScriptEnabled: false, mistypes: true },
];

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

// Stands where a client listens, and keeps what the browser brings.
class Callback {
  async listen() {
    this.arrivals = [];
    this.server = createServer((request, response) => {
      const address = new URL(request.url, this.uri);
      if (address.pathname === '/callback') this.arrivals.push(Object.fromEntries(address.searchParams));
      response.setHeader('Content-Type', 'text/plain').end('You may close this window.');
    });
    await new Promise((ready) => this.server.listen(0, '127.0.0.1', ready));
    this.uri = `http://127.0.0.1:${this.server.address().port}/callback`;
    return this;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function register(callback, name) {
  const answer = await fetch(`${gateway}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: [callback.uri],
      token_endpoint_auth_method: 'none',
    }),
  });
  check(answer.status === 201, `POST /register: ${answer.status} ${await answer.clone().text()}`);
  return (await answer.json()).client_id;
}

// An authorization request, with what is needed to redeem the answer to it.
function authorizationRequest(callback, clientId) {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const url = new URL(`${gateway}/authorize`);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback.uri,
    scope: 'mcp:tools',
    state,
    resource: `${gateway}/mcp`,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return { url: url.href, clientId, verifier, state };
}

async function redeem(callback, request, code) {
  const answer = await fetch(`${gateway}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: request.clientId,
      redirect_uri: callback.uri,
      code,
      code_verifier: request.verifier,
      resource: `${gateway}/mcp`,
    }),
  });
  const token = await answer.json();
  check(answer.status === 200 && token.access_token, `POST /token: ${answer.status} ${JSON.stringify(token)}`);
}

// One browser profile, walked through the pages.
class Walk {
  constructor(page, options) {
    this.page = page;
    this.options = options;
    this.seen = 0;
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => {
      this.scriptError ??= error;
    });
  }

  // Looks at the page as a person and as a checker would.
  async look(title) {
    const { page, options } = this;
    this.seen += 1;
    await page.screenshot({ path: join(pictures, `${options.name}-${this.seen}-${title}.png`), fullPage: true });
    check(!this.scriptError, `${title}: a script failed: ${this.scriptError}`);
    check((await page.title()).trim() !== '', `${title}: the page has no title`);
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

  async signIn(secret) {
    await this.page.fill('input[name="username"]', username);
    await this.page.fill('input[name="password"]', secret);
    await this.page.click('form:has(input[name="password"]) button[type="submit"]');
    await this.page.waitForLoadState();
  }

  async decide(decision) {
    await this.page.click(`[name="decision"][value="${decision}"]`);
    await this.page.waitForURL('**/callback?*');
  }

  async reachConsent(request) {
    const { page, options } = this;
    await page.goto(request.url);
    await this.look('sign-in');
    if (options.mistypes) {
      await this.signIn(`not-${password}`);
      check((await page.locator('[role="alert"]').count()) > 0, 'a wrong password is not told');
      check((await page.inputValue('input[name="password"]')) === '', 'the page keeps the wrong password');
      await this.look('wrong-password');
    }
    await this.signIn(password);
    await page.waitForSelector('[name="decision"]');
    await this.look('consent');
  }
}

async function walkThrough(browser, callback, options) {
  const name = `Walk ${options.name}`;
  const request = authorizationRequest(callback, await register(callback, name));
  const { viewport, colorScheme, javaScriptEnabled } = options;
  const context = await browser.newContext({ viewport, colorScheme, javaScriptEnabled });
  try {
    const page = await context.newPage();
    const walk = new Walk(page, options);
    await walk.reachConsent(request);
    const consent = await page.textContent('body');
    check(consent.includes(name), 'the consent page does not name the client');
    check(consent.includes('127.0.0.1'), 'the consent page does not say where the answer goes');

    await walk.decide('approve');
    const arrival = callback.arrivals.pop();
    check(arrival?.state === request.state && arrival.iss === gateway, `came back with ${JSON.stringify(arrival)}`);
    await redeem(callback, request, arrival.code);

    await page.goto(`${gateway}/account`);
    const account = await page.textContent('body');
    check(account.includes(name), 'the account page does not name the client');
    await walk.look('account');
    console.log(`  ok: ${options.name}: sign in${options.mistypes ? ' (second try)' : ''}, consent, code, account`);
  } finally {
    await context.close();
  }
}

// RFC 6749 §4.1.2.1: a refusal goes back to the client, unless the client itself is in doubt.
async function refuse(browser, callback) {
  const request = authorizationRequest(callback, await register(callback, 'Refused'));
  const context = await browser.newContext({ viewport: wide });
  try {
    const page = await context.newPage();
    const walk = new Walk(page, { name: 'refusal' });
    await walk.reachConsent(request);
    await walk.decide('deny');
    const arrival = callback.arrivals.pop();
    check(arrival?.error === 'access_denied' && !arrival.code, `came back with ${JSON.stringify(arrival)}`);
    check(arrival.state === request.state, 'the refusal lost the state');

    const stranger = authorizationRequest(callback, 'nobody-registered-this');
    const answer = await page.goto(stranger.url);
    check(answer.status() === 400, `an unknown client is answered with ${answer.status()}`);
    check(new URL(page.url()).origin === gateway, 'an unknown client is redirected to');
    await walk.look('unknown-client');
    console.log('  ok: refusal told to the client, unknown client told to the person');
  } finally {
    await context.close();
  }
}

async function main() {
  mkdirSync(pictures, { recursive: true });
  const callback = await new Callback().listen();
  const root = process.getuid() === 0;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: !root,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-component-update', '--disable-sync'],
  });
  console.log(`Chromium ${browser.version()}:`);
  try {
    for (const options of walks) await walkThrough(browser, callback, options);
    await refuse(browser, callback);
  } finally {
    await browser.close();
    callback.close();
  }
}

await main();
