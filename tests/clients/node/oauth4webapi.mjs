// oauth4webapi, a strict client library, through every flow of the authorization server: it refuses
// answers that leave out or mistake anything that their RFCs ask for.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import * as oauth from 'oauth4webapi';

const gateway = process.env.GATEHOUSE_URL;
const clients = fileURLToPath(new URL('..', import.meta.url));
const resource = `${gateway}/mcp`;
const redirectUri = 'http://127.0.0.1:1/callback';
const scope = 'mcp:tools offline_access';
// The gateway is on this machine, without TLS.
const local = { [oauth.allowInsecureRequests]: true };

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

function proved(what) {
  console.log(`  ok: ${what}`);
}

// A person signs in and approves; the address that they are sent back to.
function approve(url) {
  const program = 'import os, sys; from sign_in import approve; '
    + 'print(approve(sys.argv[1], os.environ["GATEHOUSE_USERNAME"], os.environ["GATEHOUSE_PASSWORD"]))';
  const done = spawnSync('python3', ['-c', program, url.href], { cwd: clients, encoding: 'utf8' });
  check(done.status === 0, done.stderr);
  return new URL(done.stdout.trim());
}

async function discover() {
  const metadata = await oauth.resourceDiscoveryRequest(new URL(resource), local);
  const { authorization_servers: [issuer] } = await oauth.processResourceDiscoveryResponse(
    new URL(resource), metadata,
  );
  check(issuer === gateway, `the protected resource names ${issuer}`);
  const url = new URL(issuer);
  const answer = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...local });
  const as = await oauth.processDiscoveryResponse(url, answer);
  check(as.dpop_signing_alg_values_supported?.includes('ES256'), 'no DPoP in the metadata');
  return as;
}

async function register(as, metadata) {
  const answer = await oauth.dynamicClientRegistrationRequest(as, {
    client_name: 'oauth4webapi',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    ...metadata,
  }, local);
  return oauth.processDynamicClientRegistrationResponse(answer);
}

// Makes a request with a proof, once more if the server wants a nonce of its own in it.
async function proving(request) {
  try {
    return await request();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return request();
  }
}

async function authorize(as, client, authentication, options) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    resource,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const url = new URL(as.authorization_endpoint);
  if (options.push) {
    const pushed = await proving(async () => oauth.processPushedAuthorizationResponse(as, client,
      await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options)));
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
  } else {
    url.search = parameters;
  }
  const back = approve(url);
  // Checks `state` and, as the metadata promises it, `iss` (RFC 9207).
  const parametersBack = oauth.validateAuthResponse(as, client, back, state);
  return proving(async () => oauth.processAuthorizationCodeResponse(as, client,
    await oauth.authorizationCodeGrantRequest(
      as, client, authentication, parametersBack, redirectUri, verifier, options,
    )));
}

async function refresh(as, client, authentication, token, options) {
  return proving(async () => oauth.processRefreshTokenResponse(as, client,
    await oauth.refreshTokenGrantRequest(as, client, authentication, token, options)));
}

async function callTool(token, options) {
  const message = {
    jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_alerts', arguments: { state: 'CA' } },
  };
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  });
  const answer = await proving(() => oauth.protectedResourceRequest(
    token, 'POST', new URL(resource), headers, JSON.stringify(message), options,
  ));
  check(answer.status === 200, `the call: ${answer.status} ${await answer.text()}`);
}

async function walk(as, name, { metadata, authentication, options = local, type = 'bearer' }) {
  const client = await register(as, metadata);
  const authenticates = authentication(client);
  const tokens = await authorize(as, client, authenticates, options);
  check(tokens.token_type === type, `token_type: ${tokens.token_type}`);
  check(tokens.scope.split(' ').includes('mcp:tools'), `scope: ${tokens.scope}`);
  await callTool(tokens.access_token, options);
  const next = await refresh(as, client, authenticates, tokens.refresh_token, options);
  check(next.refresh_token !== tokens.refresh_token, 'the refresh token was not rotated');
  await callTool(next.access_token, options);
  proved(`${name}: code, call, refresh, call`);
  return { client, authenticates, tokens: next };
}

async function endsByRevocation(as, { client, authenticates, tokens }) {
  const active = async () => {
    const answer = await oauth.introspectionRequest(as, client, authenticates, tokens.access_token, local);
    return (await oauth.processIntrospectionResponse(as, client, answer)).active;
  };
  check(await active(), 'the token is not active');
  const answer = await oauth.revocationRequest(as, client, authenticates, tokens.refresh_token, local);
  await oauth.processRevocationResponse(answer);
  check(!await active(), 'the token is still active');
  proved('introspection, revocation');
}

function addService() {
  const flags = ['client', 'add', '--name', 'Service', '--scope', 'mcp:tools'];
  const configuration = ['--config', process.env.GATEHOUSE_CONFIGURATION];
  const done = spawnSync(process.env.GATEHOUSE_BINARY, [...flags, ...configuration], { encoding: 'utf8' });
  check(done.status === 0, done.stderr);
  return done.stdout.trim().split('\t');
}

async function clientCredentials(as, options, type) {
  const [id, secret] = addService();
  const client = { client_id: id };
  const tokens = await proving(async () => oauth.processClientCredentialsResponse(as, client,
    await oauth.clientCredentialsGrantRequest(
      as, client, oauth.ClientSecretBasic(secret), { scope: 'mcp:tools', resource }, options,
    )));
  check(tokens.token_type === type && !tokens.refresh_token, JSON.stringify(Object.keys(tokens)));
  await callTool(tokens.access_token, options);
  proved(`client credentials (${type}): token, call`);
}

const as = await discover();
proved('discovery of the resource and of its authorization server');
const none = () => oauth.None();
await walk(as, 'public client', { metadata: { token_endpoint_auth_method: 'none' }, authentication: none });
const confidential = await walk(as, 'client_secret_basic', {
  metadata: { token_endpoint_auth_method: 'client_secret_basic' },
  authentication: (client) => oauth.ClientSecretBasic(client.client_secret),
});
await endsByRevocation(as, confidential);
await walk(as, 'client_secret_post, pushed request', {
  metadata: { token_endpoint_auth_method: 'client_secret_post' },
  authentication: (client) => oauth.ClientSecretPost(client.client_secret),
  options: { ...local, push: true },
});
for (const algorithm of ['ES256', 'RS256', 'PS256', 'Ed25519']) {
  const pair = await oauth.generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...await crypto.subtle.exportKey('jwk', pair.publicKey), kid: 'key', use: 'sig' };
  delete jwk.alg;
  await walk(as, `private_key_jwt, ${algorithm}`, {
    metadata: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } },
    authentication: () => oauth.PrivateKeyJwt({ key: pair.privateKey, kid: 'key' }),
  });
}
for (const [algorithm, push] of [['ES256', false], ['ES256', true], ['Ed25519', false]]) {
  const pair = await oauth.generateKeyPair(algorithm);
  const options = { ...local, push, DPoP: oauth.DPoP({ client_id: 'any' }, pair) };
  await walk(as, `DPoP, ${algorithm}${push ? ', pushed request' : ''}`, {
    metadata: { token_endpoint_auth_method: 'none' }, authentication: none, options, type: 'dpop',
  });
}
await clientCredentials(as, local, 'bearer');
const pair = await oauth.generateKeyPair('ES256');
await clientCredentials(as, { ...local, DPoP: oauth.DPoP({ client_id: 'any' }, pair) }, 'dpop');
