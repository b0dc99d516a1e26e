// The TypeScript SDK with one tool, whose result is at hand: `server.mjs ANSWER JWKS ISSUER AUDIENCE SCOPE`.
//
// Without sessions, as the SDK's examples have it, with JSON instead of event streams; requests of each era go to the SDK's
// own way of serving it. jose checks tokens with keys that are at hand.
import { readFileSync } from 'node:fs';

import { createMcpExpressApp, requireBearerAuth } from '@modelcontextprotocol/express';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { createLocalJWKSet, jwtVerify } from 'jose';
import * as z from 'zod';

const MODERN = '2026-07-28';
const [answer, keys, issuer, audience, scope] = process.argv.slice(2);
const result = JSON.parse(readFileSync(answer, 'utf8'));
const keySet = createLocalJWKSet(JSON.parse(readFileSync(keys, 'utf8')));
const installed = new URL('node_modules/@modelcontextprotocol/server/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(installed, 'utf8'));
const inputSchema = z.object({ state: z.string() });

function createServer() {
    const server = new McpServer({ name: 'bench', version: '1' });
    server.registerTool('get_alerts', { description: 'Alerts of a state', inputSchema }, async () => result);
    return server;
}

const verifier = {
    async verifyAccessToken(token) {
        const { payload } = await jwtVerify(token, keySet, { issuer, audience }).catch(() => {
            throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid');
        });
        return { token, clientId: payload.client_id, scopes: payload.scope.split(' '), expiresAt: payload.exp };
    },
};

async function answerEarlier(request, response) {
    const server = createServer();
    const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
}

const answerModern = toNodeHandler(createMcpHandler(createServer, { legacy: 'reject' }));

const app = createMcpExpressApp();
app.post('/mcp', requireBearerAuth({ verifier, requiredScopes: [scope] }), (request, response) =>
    request.get('MCP-Protocol-Version') === MODERN
        ? answerModern(request, response, request.body)
        : answerEarlier(request, response),
);
const listener = app.listen(0, '127.0.0.1', () => {
    console.error(`TypeScript SDK ${version} (Node.js ${process.versions.node}), listening on http://127.0.0.1:${listener.address().port}`);
});
