// An oidc-provider on a free loopback port. Its first line of output is the issuer;
// it ends when its input does, and so with the test that started it, however that ends.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [secret] = process.argv.slice(2);

const jwk = (type, options, rest) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', kid: rest.alg, ...rest,
});

const client = (client_id, rest) => ({
  client_id, client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...rest,
});

// A resource names the API, how its tokens are written, and how long they live:
// https://api.example/ES256?ttl=1
const resourceServer = (resource) => {
  const { origin, pathname, searchParams } = new URL(resource);
  const form = pathname.slice(1);
  return {
    audience: origin,
    scope: 'invoices.read invoices.write',
    accessTokenTTL: Number(searchParams.get('ttl') ?? 3600),
    ...(form === 'opaque' ? { accessTokenFormat: 'opaque' } : { accessTokenFormat: 'jwt', jwt: { sign: { alg: form } } }),
  };
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      client('billing'),
      client('invoices-api'),
      client('signed-invoices-api', { introspection_signed_response_alg: 'ES256' }),
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: (ctx, resource) => resourceServer(resource) },
      revocation: { enabled: true },
    },
    jwks: {
      keys: [
        jwk('rsa', { modulusLength: 2048 }, { alg: 'RS256' }),
        jwk('rsa', { modulusLength: 2048 }, { alg: 'PS256' }),
        jwk('ec', { namedCurve: 'P-256' }, { alg: 'ES256' }),
        jwk('ec', { namedCurve: 'P-384' }, { alg: 'ES384' }),
        jwk('ec', { namedCurve: 'P-521' }, { alg: 'ES512' }),
        jwk('ed25519', {}, { alg: 'EdDSA' }),
        jwk('ed25519', {}, { alg: 'Ed25519' }),
      ],
    },
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(issuer);
});

process.stdin.on('end', () => process.exit()).resume();
