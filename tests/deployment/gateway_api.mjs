// Holds the routes on standard input, a JSON array, against the schemas of the Gateway API.

import { readFileSync } from 'node:fs';
import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute';

for (const route of JSON.parse(readFileSync(0, 'utf8'))) new HTTPRoute(route).validate();
