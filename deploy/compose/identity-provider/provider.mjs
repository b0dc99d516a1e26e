// An OpenID provider to try Gatehouse with: two people, no passwords, nothing kept. Never put it where
// other machines reach it.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const issuer = process.env.ISSUER;
const gateway = process.env.GATEWAY;
const secret = readFileSync(process.env.CLIENT_SECRET_FILE, 'utf8').trim();

const people = {
  ada: { name: 'Ada Example', groups: ['weather-admins', 'staff'] },
  grace: { name: 'Grace Example', groups: ['staff'] },
};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'gatehouse',
      client_secret: secret,
      redirect_uris: [`${gateway}/login/callback`],
      grant_types: ['authorization_code', 'refresh_token'],
      backchannel_logout_uri: `${gateway}/login/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') }] },
  cookies: { keys: [randomBytes(24).toString('base64url')] },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
  scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (context, id) => account(id),
  issueRefreshToken: async (context, client) => client.grantTypeAllowed('refresh_token'),
  loadExistingGrant: grant,
  // The gateway is on this machine, where the provider's own rule would not let it ask.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
});
provider.on('server_error', (context, error) => console.error(error));

function account(id) {
  const person = Object.hasOwn(people, id) ? people[id] : undefined;
  if (!person) return undefined;
  const email = { email: `${id}@corp.example.com`, email_verified: true };
  return { accountId: id, claims: () => ({ sub: id, preferred_username: id, ...email, ...person }) };
}

async function grant(context) {
  const { session, client } = context.oidc;
  const given = new context.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  given.addOIDCScope('openid profile email groups offline_access');
  await given.save();
  return given;
}

function page() {
  const names = Object.entries(people).map(([id, { name, groups }]) => {
    return `<p><button name="login" value="${id}">${name}</button> ${groups.join(', ')}</p>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><h1>Who are you?</h1><form method="post">${names.join('')}</form></html>`;
}

async function chosen(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body).get('login') ?? '';
}

const answer = provider.callback();
const server = createServer(async (request, response) => {
  try {
    if (!request.url.startsWith('/interaction/')) return await answer(request, response);
    if (request.method === 'GET') return response.setHeader('Content-Type', 'text/html').end(page());
    const accountId = await chosen(request);
    if (!account(accountId)) return response.writeHead(400).end('Nobody of that name.');
    return await provider.interactionFinished(request, response, { login: { accountId } });
  } catch (error) {
    console.error(error.message);
    if (!response.headersSent) response.writeHead(400);
    return response.end();
  }
});
server.listen(Number(new URL(issuer).port), process.env.LISTEN ?? '127.0.0.1', () => console.error(`issuer ${issuer}`));
process.on('SIGTERM', () => process.exit(0));
